// @ts-check
// Shows the chosen picture and asks the model about it at once.
const form = document.querySelector("form[data-try]");
const input = form?.querySelector("input[type=file]");
const preview = document.querySelector("[data-try-picture]");

if (form instanceof HTMLFormElement && input instanceof HTMLInputElement && preview instanceof HTMLImageElement) {
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (!file) return;
    URL.revokeObjectURL(preview.src);
    preview.src = URL.createObjectURL(file);
    preview.alt = `Your picture ${file.name}`;
    preview.hidden = false;
    form.requestSubmit();
  });
  preview.addEventListener("error", () => (preview.hidden = true));
}
