// @ts-check
// Sends an upload form with a progress bar; without scripts the form works by itself.

/**
 * @param {HTMLFormElement} form
 */
function watch(form) {
  const bar = form.querySelector("[data-upload-bar]");
  const note = form.querySelector("[data-upload-error]");
  if (!(bar instanceof HTMLElement) || !(note instanceof HTMLElement)) return;
  const progress = /** @type {HTMLProgressElement} */ (bar.querySelector("progress"));
  const part = /** @type {HTMLElement} */ (bar.querySelector("[data-upload-part]"));
  const phase = /** @type {HTMLElement} */ (bar.querySelector("[data-upload-phase]"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("[type=submit]"));

  /** @param {string} text */
  const fail = (text) => {
    bar.hidden = true;
    button.disabled = false;
    note.hidden = false;
    const place = note.querySelector("[data-upload-reason]");
    if (place) place.textContent = text;
    note.scrollIntoView({ block: "nearest" });
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    note.hidden = true;
    bar.hidden = false;
    button.disabled = true;
    phase.textContent = "Uploading";
    const started = performance.now();
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.responseType = "json";
    request.upload.addEventListener("progress", (now) => {
      progress.max = now.total;
      progress.value = now.loaded;
      const seconds = (performance.now() - started) / 1000;
      const left = Math.ceil(((now.total - now.loaded) * seconds) / Math.max(now.loaded, 1));
      const size = `${(now.loaded / 1e6).toFixed(1)} of ${(now.total / 1e6).toFixed(1)} MB`;
      part.textContent = seconds > 2 && left > 0 ? `${size} · ${left} s left` : size;
    });
    request.upload.addEventListener("load", () => {
      progress.removeAttribute("value");
      phase.textContent = "Almost there";
    });
    request.addEventListener("load", () => {
      const answer = request.response ?? {};
      if (request.status < 300 && answer.url) location.assign(answer.url);
      else fail(answer.error?.message ?? `The server answered with an error (${request.status}). Try again.`);
    });
    request.addEventListener("error", () =>
      fail("The connection broke before the file was there. Check that Netwright is running, then upload it again."),
    );
    request.send(new FormData(form));
  });
}

for (const form of document.querySelectorAll("form[data-upload]")) watch(/** @type {HTMLFormElement} */ (form));
