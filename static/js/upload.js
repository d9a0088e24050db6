// @ts-check
// The form for pictures: what is chosen, what is on its way. Without scripts the form works by itself.

import { camera } from "./upload-camera.js";
import { chosen, counted, dropped, fingerprint, inWords, isArchive } from "./upload-drop.js";
import { Transfer, remembered, send } from "./upload-tus.js";
import { pack } from "./upload-zip.js";

const AT_ONCE = 2; // files on their way side by side; more would only share the same line

/**
 * @typedef {import("./upload-drop.js").Entry} Entry
 * @typedef {import("./upload-tus.js").Source} Source
 * @typedef {{source: Source, label: string}} Parcel
 */

/** @param {number} seconds */
function timeLeft(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s left`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min left` : `${(minutes / 60).toFixed(1)} h left`;
}

/** @param {HTMLFormElement} form */
function watch(form) {
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (form.querySelector(`[data-${name}]`));
  const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (form.querySelector(`[name=${name}]`));
  const zone = part("drop");
  const files = /** @type {HTMLInputElement} */ (part("files"));
  const folder = /** @type {HTMLInputElement} */ (part("folder"));
  const list = part("chosen");
  const rows = part("transfers");
  const problem = part("upload-error");
  const scope = form.dataset.dataset || "new";
  let dataset = Number(form.dataset.dataset) || 0;
  /** @type {Entry[]} */
  let entries = [];
  let made = false; // whether this page made the data set
  /** @type {Transfer[]} */
  let transfers = [];

  for (const each of form.querySelectorAll("[data-with-scripts]")) /** @type {HTMLElement} */ (each).hidden = false;
  part("loose").hidden = true;

  /** @param {string} text */
  function complain(text) {
    problem.hidden = !text;
    part("upload-reason").textContent = text;
    if (text) problem.scrollIntoView({ block: "nearest" });
  }

  /** @param {Entry[]} more */
  function choose(more) {
    complain("");
    const paths = new Set(entries.map(({ path }) => path));
    entries.push(...more.map((entry) => ({ ...entry, path: unused(entry.path, paths) })));
    const name = field("name");
    if (name && !name.value && more[0]) name.value = more[0].path.split("/")[0].replace(/\.(tar\.)?\w+$/, "").slice(0, 120);
    show();
  }

  function show() {
    list.replaceChildren(
      ...bundles(entries).map(([words, bundle]) => {
        const row = copy(form, "chosen-row");
        /** @type {HTMLElement} */ (row.querySelector("span")).textContent = words;
        const button = /** @type {HTMLButtonElement} */ (row.querySelector("button"));
        button.setAttribute("aria-label", `Leave out ${words}`);
        button.onclick = () => {
          const gone = new Set(bundle);
          entries = entries.filter((entry) => !gone.has(entry));
          show();
        };
        return row;
      }),
    );
    part("loose").hidden = !isLoose(entries);
  }

  files.onchange = folder.onchange = (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.files) choose(chosen(input.files));
    input.value = ""; // so that the same can be chosen again
  };
  part("choose-folder").onclick = () => folder.click();
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    if (!event.dataTransfer) return;
    try {
      choose(await dropped(event.dataTransfer));
    } catch {
      complain("What was dropped cannot be read. Check that it may be, then drop it again.");
    }
  });
  const { open } = camera(part("camera"), (taken) => {
    choose(taken);
    form.requestSubmit();
  });
  part("open-camera").onclick = open;

  form.addEventListener("submit", async (event) => {
    if (!entries.length && field("path")?.value) return; // the server reads that by itself
    event.preventDefault();
    if (!entries.length) return complain("Choose pictures first: a zip, a folder or files.");
    const sent = entries;
    const label = isLoose(sent) ? field("label").value : "";
    complain("");
    [entries, field("label").value] = [[], ""];
    show();
    try {
      await start(await parcels(sent, label));
    } catch (error) {
      entries = [...sent, ...entries];
      show();
      complain(/** @type {Error} */ (error).message);
    }
  });

  /**
   * Archives go as they are; everything else in one zip, since each upload makes a version.
   * @param {Entry[]} sent
   * @param {string} label
   * @returns {Promise<Parcel[]>}
   */
  async function parcels(sent, label) {
    /** @type {Parcel[]} */
    const made = sent.filter(isArchive).map((entry) => ({
      label: "",
      source: { name: entry.file.name, size: entry.file.size, fingerprint: fingerprint([entry]), read: (from, to) => entry.file.slice(from, to) },
    }));
    const rest = sent.filter((entry) => !isArchive(entry));
    if (!rest.length) return made;
    const name = nameOf(rest);
    const row = addRow(name);
    try {
      const onProgress = (/** @type {number} */ done) => row.preparing(done, rest.length);
      const zip = await pack(rest, { onProgress });
      made.push({ label, source: { name, fingerprint: fingerprint(rest), ...zip } });
    } catch {
      throw new Error("One of these files can no longer be read. Was it changed or moved? Choose them again.");
    } finally {
      row.node.remove();
    }
    return made;
  }

  /** @param {Parcel[]} parcels */
  async function start(parcels) {
    const headers = { "X-CSRFToken": field("csrfmiddlewaretoken").value };
    const before = new Map();
    for (const { source } of parcels) {
      const known = remembered(scope, source);
      // Of another person in this browser, or forgotten: then it begins anew.
      const there = known && (await send("HEAD", known.url, { ...headers, "Tus-Resumable": "1.0.0" }).catch(() => null));
      if (known && there) before.set(source, known);
    }
    dataset ||= [...before.values()][0]?.dataset ?? (await makeDataset(headers));
    for (const { source, label } of parcels) {
      const known = before.get(source);
      const url = known?.dataset === dataset ? known.url : "";
      const row = addRow(source.name);
      const csrf = headers["X-CSRFToken"];
      const transfer = new Transfer(source, { scope, dataset, label, csrf, url, onChange: () => changed(transfer, row) });
      transfers.push(transfer);
      row.bind(transfer);
      if (url) document.querySelector(`[data-unfinished="${url}"]`)?.remove();
      changed(transfer, row);
    }
    next();
  }

  /** @param {Record<string, string>} headers */
  async function makeDataset(headers) {
    const body = JSON.stringify({ name: field("name").value });
    const answer = await send("POST", "/api/v1/datasets", { ...headers, "Content-Type": "application/json" }, { body });
    made = true;
    return Number(JSON.parse(answer.responseText).id);
  }

  /**
   * @param {Transfer} transfer
   * @param {ReturnType<typeof addRow>} row
   */
  function changed(transfer, row) {
    row.show(transfer);
    if (["done", "failed", "paused", "cancelled"].includes(transfer.state)) next();
  }

  /** Starts what waits; when all is there, opens the data set. */
  function next() {
    const count = (/** @type {string[]} */ ...states) => transfers.filter(({ state }) => states.includes(state)).length;
    for (const waiting of transfers.filter(({ state }) => state === "waiting")) {
      if (count("sending", "retrying") < AT_ONCE) void waiting.run();
    }
    if (count("done") && count("done", "cancelled") === transfers.length && !entries.length) {
      location.assign(`/datasets/${dataset}/`);
    }
    if (made && transfers.length && count("cancelled") === transfers.length) {
      // Nothing is left half made.
      void send("DELETE", `/api/v1/datasets/${dataset}`, { "X-CSRFToken": field("csrfmiddlewaretoken").value }).catch(() => {});
      [made, dataset, transfers] = [false, 0, []];
    }
  }

  /** @param {string} name */
  function addRow(name) {
    const node = copy(form, "transfer-row");
    const bar = /** @type {HTMLProgressElement} */ (node.querySelector("progress"));
    const at = (/** @type {string} */ key) => /** @type {HTMLElement} */ (node.querySelector(`[data-row-${key}]`));
    at("name").textContent = name;
    bar.setAttribute("aria-label", `Upload of ${name}`);
    for (const button of node.querySelectorAll("button")) button.hidden = true;
    rows.append(node);
    return {
      node,
      /**
       * @param {number} done
       * @param {number} total
       */
      preparing(done, total) {
        at("part").textContent = `Preparing ${done.toLocaleString("en")} of ${counted(total, "file")}`;
        [bar.max, bar.value] = [total, done];
      },
      /** @param {Transfer} transfer */
      bind(transfer) {
        at("pause").onclick = () => transfer.pause();
        at("go").onclick = at("again").onclick = () => transfer.run();
        at("cancel").onclick = () => transfer.cancel();
        for (const key of ["pause", "go", "again", "cancel"]) at(key).setAttribute("aria-label", `${at(key).textContent?.trim()}: ${name}`);
      },
      /** @param {Transfer} transfer */
      show(transfer) {
        const { state, source, sent, left } = transfer;
        if (state === "cancelled") return node.remove();
        const size = `${inWords(sent)} of ${inWords(source.size)}`;
        const words = { waiting: "Waiting", sending: size, retrying: size, paused: `Paused at ${size}`, failed: "Stopped", done: "Uploaded" };
        at("part").textContent = state === "sending" && left !== null && sent < source.size ? `${size} · ${timeLeft(left)}` : words[state];
        [bar.max, bar.value] = [source.size, sent];
        if (at("note").textContent !== transfer.reason) at("note").textContent = transfer.reason;
        at("pause").hidden = !["sending", "retrying"].includes(state);
        at("go").hidden = state !== "paused";
        at("again").hidden = state !== "failed";
        at("cancel").hidden = state === "done";
      },
    };
  }
}

/**
 * A row of a list, from its template.
 * @param {HTMLFormElement} form
 * @param {string} name
 */
function copy(form, name) {
  const template = /** @type {HTMLTemplateElement} */ (form.querySelector(`template[data-${name}]`));
  return /** @type {HTMLElement} */ (/** @type {DocumentFragment} */ (template.content.cloneNode(true)).firstElementChild);
}

/**
 * A path that is not taken yet, which is then taken: phones call every first picture the same.
 * @param {string} path
 * @param {Set<string>} paths
 */
function unused(path, paths) {
  let free = path;
  for (let number = 2; paths.has(free); number++) free = path.replace(/(\.\w+)?$/, ` (${number})$1`);
  paths.add(free);
  return free;
}

/**
 * What was chosen, in words: each archive, each folder, and the loose files.
 * @param {Entry[]} entries
 * @returns {[string, Entry[]][]}
 */
function bundles(entries) {
  /** @type {Map<string, Entry[]>} */
  const groups = new Map();
  for (const entry of entries) {
    const key = isArchive(entry) ? `=${entry.path}` : entry.path.includes("/") ? entry.path.split("/")[0] : "";
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  }
  return [...groups].map(([key, group]) => {
    const size = inWords(group.reduce((sum, { file }) => sum + file.size, 0));
    const files = counted(group.length, "file");
    if (key.startsWith("=")) return [`${key.slice(1)} · ${size}`, group];
    if (!key) return [group.length === 1 ? `${group[0].path} · ${size}` : `${files} · ${size}`, group];
    return [`Folder ${key}: ${files} · ${size}`, group];
  });
}

/**
 * Whether there are pictures that neither a folder nor a list gives a label.
 * @param {Entry[]} entries
 */
function isLoose(entries) {
  const loose = entries.filter((entry) => !isArchive(entry) && !entry.path.includes("/"));
  return loose.length > 0 && !loose.some(({ path }) => /\.(csv|jsonl?)$/i.test(path));
}

/**
 * What to call the zip of these files.
 * @param {Entry[]} entries
 */
function nameOf(entries) {
  const tops = new Set(entries.map(({ path }) => path.split("/")[0]));
  return tops.size === 1 ? `${[...tops][0].replace(/\.\w+$/, "")}.zip` : `${counted(entries.length, "file")}.zip`;
}

for (const form of document.querySelectorAll("form[data-upload]")) watch(/** @type {HTMLFormElement} */ (form));

// Uploads of another day or browser, which the page lists, can be cancelled.
for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-unfinished]"))) {
  const csrf = /** @type {HTMLInputElement} */ (document.querySelector("[name=csrfmiddlewaretoken]")).value;
  const button = /** @type {HTMLButtonElement} */ (row.querySelector("button"));
  button.hidden = false;
  button.onclick = async () => {
    await send("DELETE", row.dataset.unfinished ?? "", { "Tus-Resumable": "1.0.0", "X-CSRFToken": csrf }).catch(() => {});
    row.remove();
  };
}
