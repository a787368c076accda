// The upload that this tab has on its way, so that it is known after a reload.

const PLACE = "pgsluice.upload";

export function begin({ file, table, query }) {
  const { name, size, lastModified } = file;
  sessionStorage.setItem(PLACE, JSON.stringify({ name, size, lastModified, table, query }));
}

export function end() {
  sessionStorage.removeItem(PLACE);
}

/// The one that was cut, or undefined.
export function interrupted() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE)) ?? undefined;
  } catch {
    return undefined;
  }
}

export const isSame = (file, cut) =>
  file.name === cut.name && file.size === cut.size && file.lastModified === cut.lastModified;
