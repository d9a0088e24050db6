// @ts-check
// Typing a number of minutes chooses the card that it belongs to.
for (const more of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-choose]"))) {
  const radio = document.getElementById(more.dataset.choose ?? "");
  more.addEventListener("input", () => {
    if (radio instanceof HTMLInputElement) radio.checked = true;
  });
}

// A search starts from one of its own kind: choosing either brings the other along.
const start = document.querySelector("select[name=start_from]");
if (start instanceof HTMLSelectElement) {
  const spaceOf = () => start.selectedOptions[0]?.dataset.space;
  start.addEventListener("change", () => {
    const radio = spaceOf() && document.getElementById(`space-${spaceOf()}`);
    if (radio instanceof HTMLInputElement) radio.checked = true;
  });
  for (const radio of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[name=space]"))) {
    radio.addEventListener("change", () => {
      if (spaceOf() && spaceOf() !== radio.value) start.value = "";
    });
  }
}
