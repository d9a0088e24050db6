// @ts-check
// Typing a number of minutes chooses the card that it belongs to.
for (const more of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-choose]"))) {
  const radio = document.getElementById(more.dataset.choose ?? "");
  more.addEventListener("input", () => {
    if (radio instanceof HTMLInputElement) radio.checked = true;
  });
}
