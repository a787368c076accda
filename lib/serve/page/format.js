// Numbers, sizes and times as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const year = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

export const count = (number) => whole.format(number ?? 0);

export const counted = (number, one, many = one + "s") => `${count(number)} ${number === 1 ? one : many}`;

/// "38.2 MB"; decimal, as the command's progress has it.
export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let size = number ?? 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)}\u00a0${units[unit]}`;
}

/// "1:05", "2:03:09".
export function clock(seconds) {
  const all = Math.max(0, Math.round(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(all / 60);
  if (minutes < 60) return `${minutes}:${two(all % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(all % 60)}`;
}

/// "0.4 s", "12 s", "3:05".
export function took(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 10) return `${Number(seconds).toFixed(1)}\u00a0s`;
  return seconds < 60 ? `${Math.round(seconds)}\u00a0s` : clock(seconds);
}

/// PostgreSQL's and ISO's way to write an instant; undefined for what is none.
export function instant(text) {
  if (!text) return undefined;
  const iso = text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");
  const found = new Date(iso);
  return Number.isNaN(found.getTime()) ? undefined : found;
}

/// In the time of whoever looks.
export function when(date) {
  const isOld = Math.abs(Date.now() - date.getTime()) > 300 * 24 * 3600 * 1000;
  return (isOld ? year : day).format(date);
}
