// @ts-check
// Small things that any page may use; each works on elements that carry its data attribute.

/**
 * Calls `set` for what is on the page now, and again for whatever htmx brings.
 * @param {(root: ParentNode) => void} set
 */
function onContent(set) {
  set(document);
  document.addEventListener("htmx:load", (event) => {
    if (event.target instanceof HTMLElement) set(event.target);
  });
}

/**
 * The elements in a root that match, the root itself included.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
function all(root, selector) {
  const found = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);
  if (root instanceof HTMLElement && root.matches(selector)) found.unshift(root);
  return found;
}

/**
 * Shows a message in the page's message area.
 * @param {string} text
 */
export function toast(text) {
  const note = document.createElement("div");
  note.className = "nw-note nw-note-broken";
  note.textContent = text;
  document.getElementById("toasts")?.replaceChildren(note);
  note.scrollIntoView({ block: "nearest" });
}

// Messages can be closed.
onContent((root) => {
  for (const button of all(root, "[data-dismiss]")) {
    button.hidden = false;
    button.onclick = () => button.closest("[data-toast]")?.remove();
  }
});

// Code can be copied.
onContent((root) => {
  for (const button of all(root, "[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.onclick = async () => {
      const code = button.closest("[data-code]")?.querySelector("code");
      const word = button.querySelector("span");
      await navigator.clipboard.writeText(code?.textContent?.trim() ?? "");
      if (!word) return;
      word.textContent = "Copied";
      setTimeout(() => (word.textContent = "Copy"), 2000);
    };
  }
});

// A fresh API token goes into every snippet on the page that waits for one.
onContent((root) => {
  for (const fresh of all(root, "[data-new-token]")) {
    for (const place of document.querySelectorAll("[data-token-place]")) {
      place.textContent = fresh.dataset.newToken ?? "";
    }
  }
});

// Drop zones say which file was chosen and light up under a dragged one.
onContent((root) => {
  for (const zone of all(root, "[data-drop]")) {
    const input = zone.querySelector("input[type=file]");
    const name = zone.querySelector("[data-drop-name]");
    if (!(input instanceof HTMLInputElement)) continue;
    zone.ondragover = () => zone.classList.add("is-over");
    zone.ondragleave = zone.ondrop = () => zone.classList.remove("is-over");
    const show = () => {
      const file = input.files?.[0];
      if (name) name.textContent = file ? `${file.name} (${megabytes(file.size)})` : "";
    };
    input.addEventListener("change", show);
    show();
  }
});

/** @param {number} bytes */
function megabytes(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// Pictures open in the dialog once htmx has brought them.
document.addEventListener("htmx:afterSwap", (event) => {
  const target = /** @type {CustomEvent} */ (event).detail.target;
  const dialog = target?.closest("dialog"); // there is no target when the back button brings a page
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
});
onContent((root) => {
  for (const dialog of all(root, "dialog.nw-dialog")) {
    dialog.onclick = (event) => {
      const at = /** @type {HTMLElement} */ (event.target);
      if (at === dialog || at.closest("[data-close]")) /** @type {HTMLDialogElement} */ (dialog).close();
    };
  }
});

// The open tab is in sight where the tabs are wider than the screen.
onContent((root) => {
  for (const tab of all(root, ".nw-tabs [aria-current]")) {
    const list = /** @type {HTMLElement} */ (tab.closest(".nw-tabs"));
    list.scrollLeft = tab.offsetLeft + tab.offsetWidth - list.offsetLeft - list.clientWidth;
  }
});

// Buttons that only a page without scripts needs.
onContent((root) => {
  for (const button of all(root, "[data-without-scripts]")) button.hidden = true;
});

// Forms that ask first.
for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-confirm]"))) {
  const dialog = document.querySelector(form.dataset.confirm ?? "");
  if (!(dialog instanceof HTMLDialogElement)) continue;
  form.addEventListener("submit", (event) => {
    if (dialog.open) return;
    event.preventDefault();
    dialog.showModal();
  });
  dialog.querySelector("[data-yes]")?.addEventListener("click", () => form.requestSubmit());
}

// Tables with sort buttons in their heads sort by the cells' data-value, or their text.
onContent((root) => {
  for (const button of all(root, "[data-sort]")) button.onclick = () => sortBy(button);
});

/** @param {HTMLElement} button */
function sortBy(button) {
  const head = button.closest("th");
  const table = button.closest("table");
  const body = table?.tBodies[0];
  if (!head || !body) return;
  const column = head.cellIndex;
  const descending = head.getAttribute("aria-sort") !== "descending";
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  /** @param {HTMLTableRowElement} row */
  const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent?.trim() ?? "";
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (!x || !y) return x ? -1 : y ? 1 : 0; // rows without a value stay at the end
    const order = x.localeCompare(y, undefined, { numeric: true });
    const numbers = Number(x) - Number(y);
    const ascending = Number.isNaN(numbers) ? order : numbers;
    return descending ? -ascending : ascending;
  });
  body.append(...rows);
}

// What is open stays open when htmx replaces it.
/** @type {Set<string>} */
const open = new Set();
document.addEventListener("htmx:beforeSwap", () => {
  open.clear();
  for (const details of document.querySelectorAll("details[id][open]")) open.add(details.id);
});
onContent((root) => {
  for (const details of all(root, "details[id]")) {
    if (details instanceof HTMLDetailsElement && open.has(details.id)) details.open = true;
  }
});

// A menu closes on Escape and when something else is clicked.
for (const type of ["click", "keydown"]) {
  document.addEventListener(type, (event) => {
    if (event instanceof KeyboardEvent && event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      const inside = event.target instanceof Node && menu.contains(event.target);
      if (event.type === "click" && inside) continue;
      menu.removeAttribute("open");
      if (inside) menu.querySelector("summary")?.focus();
    }
  });
}

// The time left counts down by itself, so that the page asks for news only when there is any.
function countDown() {
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-ends]"))) {
    const left = Math.round((Number(place.dataset.ends) - Date.now()) / 1000);
    const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    place.textContent = left > 0 ? `${text} left` : "any moment now";
  }
}
setInterval(countDown, 1000);
onContent(countDown);

// A request that could not be answered says so.
document.addEventListener("htmx:responseError", (event) => {
  const { xhr, elt } = /** @type {CustomEvent} */ (event).detail;
  if (elt.hasAttribute("data-live")) return; // asks again by itself
  toast(xhr.status === 404 ? "This is no longer there. Load the page again." : "That did not work. Try again.");
});
document.addEventListener("htmx:sendError", (event) => {
  const { elt } = /** @type {CustomEvent} */ (event).detail;
  if (!elt.hasAttribute("data-live")) toast("Netwright does not answer. Is it still running?");
});

// A link that looks and is announced as a button answers to the space bar too.
document.addEventListener("keydown", (event) => {
  const link = event.target;
  if (event.key !== " " || !(link instanceof HTMLAnchorElement) || link.getAttribute("role") !== "button") return;
  event.preventDefault();
  link.click();
});
