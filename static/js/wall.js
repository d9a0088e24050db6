// @ts-check
// Selecting pictures on the wall with mouse and keyboard, and leafing through them in the dialog.
// Without this script every picture has a check box and a link, and the bar below works as a plain form.

/** Where a range begins: the picture that was selected last. @type {HTMLElement | null} */
let anchor = null;
/** The number on the wall of the picture that is open in the dialog, or was last. */
let opened = -1;
/** Where the focus goes once the wall has been brought anew. @type {number | null} */
let focusAgain = null;
/** Whether the dialog shows a picture that has just been changed, and has to be brought anew as well. */
let openAgain = false;

/** @returns {HTMLFormElement | null} */
const wall = () => document.querySelector("form[data-wall]");
/** @returns {HTMLElement[]} */
const tiles = () => [...document.querySelectorAll("[data-tile]")].map((each) => /** @type {HTMLElement} */ (each));
/** @param {Element | null | undefined} tile @returns {HTMLInputElement | null} */
const box = (tile) => tile?.querySelector("input[type=checkbox]") ?? null;
/** @param {Element | null | undefined} tile @returns {HTMLAnchorElement | null} */
const link = (tile) => tile?.querySelector("a.nw-tile") ?? null;
const dialog = () => /** @type {HTMLDialogElement | null} */ (document.querySelector("dialog.nw-dialog"));

/** Takes over from the plain form: for what is on the page, and for what htmx brings. */
function setUp() {
  const form = wall();
  if (!form) return;
  const all = tiles();
  for (const tile of all) {
    const input = box(tile);
    if (!input) continue;
    input.removeAttribute("name"); // thousands of fields would be refused; `ids` has them all
    input.tabIndex = -1;
    const anchorTag = link(tile);
    if (anchorTag) anchorTag.tabIndex = -1;
  }
  if (!all.some((tile) => box(tile)?.tabIndex === 0)) {
    const first = box(all[0]) ?? link(all[0]);
    if (first) first.tabIndex = 0;
  }
  form.classList.add("has-scripts");
  count(form);
  if (focusAgain !== null) {
    focusOn(all[Math.min(focusAgain, all.length - 1)]);
    focusAgain = null;
  }
}

/** Writes down what is selected, where the form and the person see it. @param {HTMLFormElement} form */
function count(form) {
  const all = tiles();
  const chosen = all.filter((tile) => box(tile)?.checked);
  for (const tile of all) tile.classList.toggle("is-selected", Boolean(box(tile)?.checked));
  const everything = field(form, "all").value === "1";
  field(form, "ids").value = chosen.map((tile) => box(tile)?.value).join(",");
  field(form, "shown").value = String(all.length);
  form.classList.toggle("is-selecting", chosen.length > 0);
  const total = Number(form.dataset.total);
  const place = form.querySelector("[data-count]");
  const number = everything ? total : chosen.length;
  if (place) place.textContent = number ? `${number.toLocaleString("en")} selected` : "Nothing selected";
  const more = form.querySelector("[data-select-all]");
  const cancel = form.querySelector("[data-cancel]");
  if (more instanceof HTMLElement) more.hidden = everything || !chosen.length || chosen.length >= total;
  if (cancel instanceof HTMLElement) cancel.hidden = !chosen.length;
}

/** @param {HTMLFormElement} form @param {string} name */
const field = (form, name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** Moves the one stop of the tab key. @param {HTMLElement | undefined} tile */
function focusOn(tile) {
  if (!tile) return;
  for (const other of tiles()) {
    for (const stop of [box(other), link(other)]) if (stop) stop.tabIndex = -1;
  }
  const stop = box(tile) ?? link(tile);
  if (!stop) return;
  stop.tabIndex = 0;
  stop.focus({ preventScroll: true });
  tile.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement} tile @param {boolean} on */
function select(tile, on) {
  const input = box(tile);
  if (input) input.checked = on;
}

/** Selects from the picture before to this one. @param {HTMLElement} tile */
function selectRange(tile) {
  const all = tiles();
  const from = anchor ? all.indexOf(anchor) : -1;
  const to = all.indexOf(tile);
  for (const each of all.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1)) select(each, true);
}

/** @param {HTMLFormElement} form */
function clear(form) {
  for (const tile of tiles()) select(tile, false);
  field(form, "all").value = "";
  count(form);
}

/** How many pictures are in a row. @param {HTMLElement[]} all */
function columns(all) {
  const top = all[0]?.offsetTop;
  const second = all.findIndex((tile) => tile.offsetTop !== top);
  return second < 0 ? all.length : second;
}

document.addEventListener(
  "click",
  (event) => {
    const at = event.target instanceof Element ? event.target : null;
    const form = wall();
    const tile = at?.closest("[data-tile]");
    if (!form || !at) return;
    if (at.closest("[data-cancel]")) return clear(form);
    if (at.closest("[data-select-all]")) {
      for (const each of tiles()) select(each, true);
      field(form, "all").value = "1";
      return count(form);
    }
    if (!(tile instanceof HTMLElement) || !box(tile)) {
      if (tile instanceof HTMLElement) opened = tiles().indexOf(tile);
      return;
    }
    const input = at.closest("input[type=checkbox]");
    const plain = !event.shiftKey && !event.ctrlKey && !event.metaKey;
    if (!input && plain) {
      opened = tiles().indexOf(tile); // htmx opens it
      return;
    }
    field(form, "all").value = "";
    if (event.shiftKey) {
      if (!input) event.preventDefault();
      selectRange(tile);
    } else if (!input) {
      event.preventDefault();
      select(tile, !box(tile)?.checked);
    }
    if (!input) event.stopPropagation(); // neither htmx nor the browser opens it
    anchor = tile;
    focusOn(tile);
    // A check box that is clicked with shift is checked by now, or else it would be toggled back.
    if (input && event.shiftKey) setTimeout(() => (select(tile, true), count(form)));
    count(form);
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const form = wall();
  const tile = event.target instanceof Element ? event.target.closest("[data-tile]") : null;
  if (dialog()?.open || !form) return;
  if (event.key === "Escape" && form.classList.contains("is-selecting")) {
    clear(form);
    if (!tile && anchor) focusOn(anchor);
    return;
  }
  if (!(tile instanceof HTMLElement)) return;
  const all = tiles();
  const here = all.indexOf(tile);
  if (event.key === "a" && (event.ctrlKey || event.metaKey) && box(tile)) {
    event.preventDefault();
    for (const each of all) select(each, true);
    return count(form);
  }
  if (event.key === "Enter") {
    event.preventDefault();
    opened = here;
    link(tile)?.click();
    return;
  }
  const row = columns(all);
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row, Home: -here, End: all.length - 1 - here };
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const next = all[Math.max(0, Math.min(all.length - 1, here + step))];
  if (event.shiftKey && box(next)) {
    anchor ??= tile;
    if (!box(tile)?.checked) anchor = tile;
    selectRange(next);
    field(form, "all").value = "";
    count(form);
  }
  focusOn(next);
});

document.addEventListener("change", (event) => {
  const form = wall();
  const at = event.target;
  if (!form || !(at instanceof HTMLInputElement) || !at.closest("[data-tile]")) return;
  field(form, "all").value = "";
  anchor = at.closest("[data-tile]");
  count(form);
});

// --- the dialog ---------------------------------------------------------------------------------------------

/** Opens the picture before or after the one that is open. @param {number} step */
function leaf(step) {
  const all = tiles();
  const next = all[opened + step];
  if (!next) return;
  opened += step;
  link(next)?.click();
  if (opened >= all.length - 4) {
    const more = document.querySelector(".nw-wall-more a");
    if (more instanceof HTMLElement) more.click();
  }
}

document.addEventListener("click", (event) => {
  const at = event.target instanceof Element ? event.target : null;
  if (at?.closest("[data-before]")) leaf(-1);
  if (at?.closest("[data-next]")) leaf(1);
});

document.addEventListener("keydown", (event) => {
  const box = dialog();
  if (!box?.open || !(event.target instanceof Element)) return;
  if (event.target.closest("input, select, textarea")) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  leaf(step);
});


// --- after htmx -----------------------------------------------------------------------------------------------

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = /** @type {CustomEvent} */ (event).detail;
  if (!(elt instanceof Element)) return;
  if (elt.matches("form[data-wall]")) {
    const first = tiles().findIndex((tile) => box(tile)?.checked);
    focusAgain = first < 0 ? null : first;
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  const { target, requestConfig } = /** @type {CustomEvent} */ (event).detail;
  if (!(target instanceof Element)) return;
  if (target.id === "edit-toast") focusAgain = null;
  const box = dialog();
  if (target.id !== "pictures" || !box?.open || !requestConfig?.elt?.matches?.("[data-picture-edit]")) return;
  openAgain = true;
});

/** Shows the picture in the dialog as it is now, or what is in its place if it has gone from the wall. */
function showAgain() {
  openAgain = false;
  const all = tiles();
  if (!all.length) return dialog()?.close();
  opened = Math.min(opened, all.length - 1);
  link(all[opened])?.click();
}

document.addEventListener("htmx:afterSettle", () => {
  setUp();
  if (openAgain) showAgain(); // only now does htmx know the new links
});
document.addEventListener("htmx:historyRestore", setUp);
setUp();

// When the dialog closes, the picture that was open last has the focus.
document.addEventListener(
  "close",
  (event) => {
    if (event.target === dialog() && opened >= 0) focusOn(tiles()[opened]);
  },
  true, // it does not bubble
);
