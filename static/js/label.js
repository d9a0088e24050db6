// @ts-check
// Labelling by keyboard. The form works without this; here keys fill it in and send it.
const root = document.querySelector("[data-labelling]");
const form = /** @type {HTMLFormElement | null} */ (root?.querySelector("[data-label-form]") ?? null);
const other = /** @type {HTMLInputElement | null} */ (root?.querySelector("[data-other]") ?? null);

if (root instanceof HTMLElement && form && other) {
  const multi = root.hasAttribute("data-multi");
  const keys = /** @type {HTMLElement[]} */ ([...root.querySelectorAll("[data-name]")]);
  /** @param {HTMLElement} key */
  const input = (key) => /** @type {HTMLInputElement} */ (key.querySelector("input"));

  /** Takes a label: at once, or in a set of several. @param {HTMLElement} key */
  const take = (key) => {
    const box = input(key);
    if (!multi) {
      box.checked = true;
      form.requestSubmit();
      return;
    }
    box.checked = !box.checked;
    other.value = "";
    filter();
    other.blur();
  };

  /** Shows the labels that begin with, or have, what was typed. */
  const filter = () => {
    const text = other.value.trim().toLowerCase();
    for (const key of keys) key.hidden = Boolean(text) && !(key.dataset.name ?? "").toLowerCase().includes(text);
  };
  const shown = () => keys.filter((key) => !key.hidden);

  other.addEventListener("input", filter);
  for (const key of keys) {
    // A click takes the label as its number does; arrow keys in the list only choose.
    key.querySelector("label")?.addEventListener("click", (event) => {
      event.preventDefault();
      take(key);
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target === other;
    if (event.key === "Enter" && typing && other.value.trim()) {
      const exact = keys.find((key) => key.dataset.name?.toLowerCase() === other.value.trim().toLowerCase());
      const only = exact ?? (shown().length === 1 ? shown()[0] : undefined);
      if (only) {
        event.preventDefault();
        other.value = "";
        take(only);
      } else if (!multi) {
        for (const key of keys) input(key).checked = false;
      }
      return;
    }
    if (typing && event.key === "Escape") {
      other.value = "";
      filter();
      other.blur();
      return;
    }
    if (typing && other.value) return;
    const numbered = keys.find((key) => input(key).dataset.key === event.key);
    if (numbered) {
      event.preventDefault();
      take(numbered);
    } else if (event.key === "ArrowRight" && !(event.target instanceof HTMLInputElement)) {
      /** @type {HTMLElement | null} */ (root.querySelector("[data-skip]"))?.click();
    } else if (event.key === "Backspace") {
      event.preventDefault();
      /** @type {HTMLFormElement | null} */ (root.querySelector("[data-undo-form]"))?.requestSubmit();
    } else if (event.key === "Enter" && (event.target === document.body || event.target instanceof HTMLInputElement)) {
      event.preventDefault();
      form.requestSubmit();
    } else if (!typing && event.key.length === 1 && /\p{L}/u.test(event.key)) {
      other.focus(); // the letter goes in there
    }
  });
}
