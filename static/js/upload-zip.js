// @ts-check
// Packs files into one zip without copying them: headers in memory, the files where they are. Stored, not
// compressed: pictures are compressed already. The same files always give the same bytes, so that an upload can
// go on after the page was loaded again. Format: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3 (zip64).

const READ = 4 * 1024 * 1024;
const LIMIT16 = 0xffff;
const LIMIT32 = 0xffffffff;
const UTF8_NAMES = 0x0800;

/** @typedef {{path: string, file: File}} Entry */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * CRC-32, as zip has it, of bytes that follow those with the given one.
 * @param {Uint8Array} bytes
 * @param {number} [before]
 */
export function crc32(bytes, before = 0) {
  let value = ~before;
  for (let i = 0; i < bytes.length; i++) value = (value >>> 8) ^ TABLE[(value ^ bytes[i]) & 0xff];
  return ~value >>> 0;
}

/**
 * Little-endian fields, one after the other: [bytes, value] each.
 * @param {[number, number][]} fields
 */
function record(fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [length]) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [length, value] of fields) {
    if (length === 2) view.setUint16(at, value, true);
    else if (length === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += length;
  }
  return bytes;
}

/**
 * Date and time as MS-DOS kept them, in UTC.
 * @param {number} time ms since 1970
 */
function dosTime(time) {
  const date = new Date(Math.max(time, Date.UTC(1980, 0, 1)));
  const clock = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  return (((day << 16) | clock) >>> 0);
}

/**
 * The part of both headers of a file that is alike.
 * @param {{crc: number, size: number, time: number, name: Uint8Array, extra: Uint8Array, large: boolean}} facts
 * @returns {[number, number][]}
 */
function shared({ crc, size, time, name, extra, large }) {
  const shown = Math.min(size, LIMIT32);
  return [[2, large ? 45 : 20], [2, UTF8_NAMES], [2, 0], [4, time], [4, crc], [4, shown], [4, shown], [2, name.length], [2, extra.length]];
}

/**
 * @param {Entry} entry
 * @param {number} crc
 * @param {number} offset where its local header lies
 */
function headers({ path, file }, crc, offset) {
  const name = new TextEncoder().encode(path);
  const none = new Uint8Array();
  const size = file.size;
  const large = size >= LIMIT32;
  const far = large || offset >= LIMIT32;
  const both = /** @type {[number, number][]} */ ([[8, size], [8, size]]);
  const local = { crc, size, time: dosTime(file.lastModified), name, large, extra: large ? record([[2, 1], [2, 16], ...both]) : none };
  const sizes = large ? both : [];
  const where = /** @type {[number, number][]} */ (offset >= LIMIT32 ? [[8, offset]] : []);
  const extra = far ? record([[2, 1], [2, 8 * (sizes.length + where.length)], ...sizes, ...where]) : none;
  const central = { ...local, extra, large: far };
  const rest = /** @type {[number, number][]} */ ([[2, 0], [2, 0], [2, 0], [4, 0], [4, Math.min(offset, LIMIT32)]]);
  return {
    local: [record([[4, 0x04034b50], ...shared(local)]), name, local.extra],
    central: [record([[4, 0x02014b50], [2, 45], ...shared(central), ...rest]), name, extra],
  };
}

/**
 * The end of the archive, which says where the list of files is.
 * @param {number} count
 * @param {number} start of the list
 * @param {number} length of the list
 */
function ending(count, start, length) {
  const shown = Math.min(count, LIMIT16);
  const short = record([[4, 0x06054b50], [2, 0], [2, 0], [2, shown], [2, shown], [4, Math.min(length, LIMIT32)], [4, Math.min(start, LIMIT32)], [2, 0]]);
  if (count < LIMIT16 && start < LIMIT32 && length < LIMIT32) return [short];
  const long = record([[4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, length], [8, start]]);
  const locator = record([[4, 0x07064b50], [4, 0], [8, start + length], [4, 1]]);
  return [long, locator, short];
}

/** @param {File} file */
async function checksumOf(file) {
  let crc = 0;
  for (let start = 0; start < file.size; start += READ) {
    crc = crc32(new Uint8Array(await file.slice(start, start + READ).arrayBuffer()), crc);
  }
  return crc;
}

/**
 * @param {Entry[]} entries
 * @param {{signal?: AbortSignal, onProgress?: (done: number) => void}} [options]
 * @returns {Promise<{size: number, read: (start: number, end: number) => Blob}>}
 */
export async function pack(entries, { signal, onProgress } = {}) {
  /** @type {{at: number, data: Blob | Uint8Array}[]} */
  const parts = [];
  const list = [];
  let size = 0;
  const add = (/** @type {Blob | Uint8Array} */ data) => {
    const length = data instanceof Blob ? data.size : data.length;
    if (length) parts.push({ at: size, data });
    size += length;
  };
  const ordered = [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  for (const [done, entry] of ordered.entries()) {
    signal?.throwIfAborted();
    const { local, central } = headers(entry, await checksumOf(entry.file), size);
    local.forEach(add);
    add(entry.file);
    list.push(...central);
    onProgress?.(done + 1);
  }
  const start = size;
  list.forEach(add);
  ending(ordered.length, start, size - start).forEach(add);
  return { size, read: (from, to) => cut(parts, from, to) };
}

/**
 * Some of the bytes. One Blob of all parts would do the same, but browsers are slow with 100,000 parts.
 * @param {{at: number, data: Blob | Uint8Array}[]} parts
 * @param {number} from
 * @param {number} to
 */
function cut(parts, from, to) {
  let [low, high] = [0, parts.length - 1]; // the last part that begins at `from` or before
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (parts[middle].at <= from) low = middle;
    else high = middle - 1;
  }
  const pieces = [];
  for (let i = low; i < parts.length && parts[i].at < to; i++) {
    const { at, data } = parts[i];
    pieces.push(data.slice(Math.max(0, from - at), to - at));
  }
  return new Blob(/** @type {BlobPart[]} */ (pieces));
}
