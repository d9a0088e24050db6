// @ts-check
// Pictures from the camera, a label after the other: hold the button, and it takes four a second.

import { counted } from "./upload-drop.js";

const EVERY = 250; // ms
const QUALITY = 0.92;

/** What to say when the camera does not open, by the error's name. */
const REASONS = /** @type {Record<string, string>} */ ({
  NotAllowedError: "The browser does not let this page use the camera. Allow it beside the address, then try again.",
  NotFoundError: "No camera was found. Connect one, then try again.",
  NotReadableError: "The camera is in use by another program. Close that, then try again.",
});
const NOT_SAFE =
  "Browsers give the camera only to pages on https or on the machine itself. Open Netwright as http://localhost, or put https before it.";

/** @typedef {{label: string, file: File, url: string, tile: HTMLElement}} Shot */

/**
 * @param {HTMLElement} box the camera's part of the form
 * @param {(entries: {path: string, file: File}[]) => void} onAdd is given what was taken, in label folders
 */
export function camera(box, onAdd) {
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (box.querySelector(`[data-camera-${name}]`));
  const video = /** @type {HTMLVideoElement} */ (part("video"));
  const label = /** @type {HTMLInputElement} */ (part("label"));
  const hold = /** @type {HTMLButtonElement} */ (part("hold"));
  const add = /** @type {HTMLButtonElement} */ (part("add"));
  const [stage, note, groups] = [part("stage"), part("note"), part("shots")];
  const tile = /** @type {HTMLTemplateElement} */ (part("tile"));
  const canvas = document.createElement("canvas");
  /** @type {Shot[]} */
  let shots = [];
  let number = 0;
  let timer = 0;

  /** @param {string} text */
  const say = (text) => {
    note.textContent = text;
    note.hidden = !text;
  };

  async function open() {
    box.hidden = false;
    stage.hidden = true;
    say("");
    if (!navigator.mediaDevices) return say(NOT_SAFE);
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } } });
      await video.play();
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      return say(REASONS[name] ?? "The camera could not be opened. Is it connected and free? Then try again.");
    }
    stage.hidden = false;
    label.focus();
  }

  function close() {
    release();
    if (video.srcObject instanceof MediaStream) for (const track of video.srcObject.getTracks()) track.stop();
    video.srcObject = null;
    box.hidden = true;
  }

  /** The label as the name of a folder. */
  const folder = () => label.value.replace(/[\\/]/g, "-").replace(/^[.\s]+|\s+$/g, "").replace(/\s+/g, " ");

  async function shoot() {
    const name = folder();
    if (!video.videoWidth || !name) return;
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (!(blob instanceof Blob)) return;
    const taken = Date.now();
    const file = new File([blob], `camera-${taken}-${++number}.jpg`, { type: "image/jpeg", lastModified: taken });
    show(name, file);
  }

  /**
   * @param {string} name
   * @param {File} file
   */
  function show(name, file) {
    const node = /** @type {HTMLElement} */ (/** @type {DocumentFragment} */ (tile.content.cloneNode(true)).firstElementChild);
    const shot = { label: name, file, url: URL.createObjectURL(file), tile: node };
    const image = /** @type {HTMLImageElement} */ (node.querySelector("img"));
    image.src = shot.url;
    const remove = /** @type {HTMLButtonElement} */ (node.querySelector("button"));
    remove.setAttribute("aria-label", `Remove picture ${number} of ${name}`);
    remove.onclick = () => {
      drop(shot);
      count();
    };
    group(name).querySelector("ul")?.prepend(node); // the newest where it can be seen
    shots.push(shot);
    count();
  }

  /** @param {Shot} shot */
  function drop(shot) {
    URL.revokeObjectURL(shot.url);
    shot.tile.remove();
    shots = shots.filter((each) => each !== shot);
  }

  /**
   * The pictures of a label, with their heading.
   * @param {string} name
   */
  function group(name) {
    for (const each of groups.children) if (each instanceof HTMLElement && each.dataset.label === name) return each;
    const made = document.createElement("section");
    made.dataset.label = name;
    made.append(document.createElement("h2"), document.createElement("ul"));
    groups.prepend(made);
    return made;
  }

  function count() {
    for (const each of [...groups.children]) {
      const name = each instanceof HTMLElement ? each.dataset.label : "";
      const many = shots.filter((shot) => shot.label === name).length;
      const heading = each.querySelector("h2");
      if (heading) heading.textContent = `${name} · ${counted(many, "picture")}`;
      if (!many) each.remove();
    }
    add.textContent = shots.length ? `Add ${counted(shots.length, "picture")}` : "Add pictures";
    add.disabled = !shots.length;
  }

  function press() {
    if (timer) return;
    if (!folder()) {
      say("Type the label of what you show first.");
      return label.focus();
    }
    say("");
    hold.classList.add("is-live");
    void shoot();
    timer = window.setInterval(shoot, EVERY);
  }

  function release() {
    clearInterval(timer);
    timer = 0;
    hold.classList.remove("is-live");
  }

  hold.onpointerdown = (event) => {
    hold.setPointerCapture(event.pointerId);
    press();
  };
  hold.onpointerup = hold.onpointercancel = hold.onlostpointercapture = hold.onblur = release;
  hold.onkeydown = (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    press();
  };
  hold.onkeyup = release;
  label.onkeydown = (event) => {
    if (event.key === "Enter") event.preventDefault(); // it would send the form
  };
  label.oninput = () => say("");
  part("close").onclick = close;
  add.onclick = () => {
    const entries = shots.map(({ label: name, file }) => ({ path: `${name}/${file.name}`, file }));
    for (const shot of shots) drop(shot);
    count();
    close();
    onAdd(entries);
  };
  count();
  return { open };
}
