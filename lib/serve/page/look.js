// What a file is: its beginning is sent to POST /v1/inspect.

import { askJson } from "./api.js";

/// What the server takes of it.
const BEGINNING = 1 << 20;

const PACKED = [
  [".gz", "application/gzip"], [".tgz", "application/gzip"], [".zst", "application/zstd"], [".xz", "application/x-xz"],
  [".bz2", "application/x-bzip2"], [".lz4", "application/x-lz4"], [".zip", "application/zip"],
  [".tar", "application/octet-stream"], [".7z", "application/octet-stream"],
];

const packing = (name) => PACKED.find(([ending]) => name.toLowerCase().endsWith(ending));

/// The Content-Type that it is sent with.
export function typeOf(file) {
  return packing(file.name)?.[1] ?? (/\.(tsv|tab)$/i.test(file.name) ? "text/tab-separated-values" : "text/csv");
}

/// RFC 8187: of what encodeURIComponent() leaves, these are not allowed.
const dispositionOf = (name) =>
  `attachment; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`;

/// What is sent with it.
export const headersOf = (file) => ({ "Content-Type": typeOf(file), "Content-Disposition": dispositionOf(file.name) });

export const isPacked = (file) => packing(file.name) !== undefined;

async function readSome(stream) {
  const reader = stream.getReader();
  const parts = [];
  let size = 0;
  while (size < BEGINNING) {
    const { done, value } = await reader.read();
    if (done) return { bytes: await joined(parts), isWhole: true };
    parts.push(value);
    size += value.length;
  }
  reader.cancel().catch(() => {});
  return { bytes: (await joined(parts)).subarray(0, BEGINNING), isWhole: false };
}

const joined = async (parts) => new Uint8Array(await new Blob(parts).arrayBuffer());

/// The first bytes of what is in it; undefined where a browser cannot unpack it.
async function beginningOf(file) {
  if (!isPacked(file)) {
    const bytes = new Uint8Array(await file.slice(0, BEGINNING).arrayBuffer());
    return { bytes, isWhole: file.size <= BEGINNING };
  }
  if (!/\.gz$/i.test(file.name) || /\.tar\.gz$/i.test(file.name)) return undefined;
  return readSome(file.stream().pipeThrough(new DecompressionStream("gzip")));
}

/// Without the line that is cut at the end; in UTF-16 a line ends with two bytes.
function wholeLines(bytes) {
  const isLittle = bytes[0] === 0xff && bytes[1] === 0xfe;
  const isBig = bytes[0] === 0xfe && bytes[1] === 0xff;
  for (let at = bytes.length - 1; at >= 0; at -= 1) {
    if (bytes[at] !== 0x0a) continue;
    if (isLittle && (at % 2 !== 0 || bytes[at + 1] !== 0)) continue;
    if (isBig && (at % 2 !== 1 || bytes[at - 1] !== 0)) continue;
    return bytes.subarray(0, at + (isLittle ? 2 : 1));
  }
  return bytes;
}

/// {found, encoding, isWhole}: `found` is what `pgsluice inspect` says. Undefined: it is packed in a way that is
/// looked into when it is loaded. Throws Problem, Unreachable, and what a damaged file makes a browser say.
export async function lookAt(file, signal) {
  const beginning = await beginningOf(file);
  if (!beginning) return undefined;
  const body = beginning.isWhole ? beginning.bytes : wholeLines(beginning.bytes);
  const look = (query) =>
    askJson("inspect", { method: "POST", query, body, signal, headers: { ...headersOf(file), "Content-Type": "text/csv" } });
  const found = await look({});
  // Where text is no UTF-8 the likeliest encoding is looked through too.
  const encoding = found.not_utf8?.likely[0];
  return { found: encoding ? await look({ encoding }) : found, encoding, isWhole: beginning.isWhole };
}

/// Flags of `pgsluice load`, words in pairs or with a =, as names and values of a query.
export function queryOf(words) {
  const query = [];
  for (let i = 0; i < words.length; i += 1) {
    const [, flag, value] = /^--([^=]+)(?:=(.*))?$/s.exec(words[i]);
    query.push([flag.replaceAll("-", "_"), value ?? words[(i += 1)] ?? ""]);
  }
  return query;
}
