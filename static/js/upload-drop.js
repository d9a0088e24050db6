// @ts-check
// What somebody chose or dropped, as files with the paths that they had; folders are walked through.

/** @typedef {{path: string, file: File}} Entry */

const ARCHIVE = /\.(zip|tar|tgz|tbz2|txz|tar\.(gz|bz2|xz))$/i;

/** @param {Entry} entry */
export function isArchive({ path, file }) {
  return !path.includes("/") && ARCHIVE.test(file.name);
}

/**
 * Files of an input; those of a folder have a path.
 * @param {FileList} files
 * @returns {Entry[]}
 */
export function chosen(files) {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/**
 * Files and folders that were dropped. What they are must be asked before the event is over, so this does that
 * at once and walks through folders later.
 * @param {DataTransfer} data
 * @returns {Promise<Entry[]>}
 */
export async function dropped(data) {
  const items = [...data.items].filter((item) => item.kind === "file");
  const roots = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const found = [];
  for (const root of roots) {
    if (root instanceof File) found.push({ path: root.name, file: root });
    else if (root) found.push(...(await walk(root)));
  }
  return found;
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<Entry[]>}
 */
async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) {
    // A reader gives a hundred at a time, and none when there are no more.
    const some = /** @type {FileSystemEntry[]} */ (await new Promise((resolve, reject) => reader.readEntries(resolve, reject)));
    if (!some.length) return found;
    for (const each of some) found.push(...(await walk(each)));
  }
}

/**
 * What tells these files from others without reading them.
 * @param {Entry[]} entries
 */
export function fingerprint(entries) {
  const lines = entries.map(({ path, file }) => `${path}|${file.size}|${file.lastModified}`).sort();
  let [one, two] = [5381, 52711];
  for (const character of lines.join("\n")) {
    const code = character.codePointAt(0) ?? 0;
    one = Math.imul(one, 33) ^ code;
    two = Math.imul(two, 31) ^ code;
  }
  const bytes = entries.reduce((sum, { file }) => sum + file.size, 0);
  return `${entries.length}-${bytes}-${(one >>> 0).toString(36)}${(two >>> 0).toString(36)}`;
}

/** @param {number} bytes */
export function inWords(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/**
 * @param {number} number
 * @param {string} noun
 */
export function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
