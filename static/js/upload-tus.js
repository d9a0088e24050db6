// @ts-check
// Sends one file by tus 1.0 (https://tus.io): in pieces, each with its checksum, again and again until it is there.

const TUS = { "Tus-Resumable": "1.0.0" };
const SMALLEST = 256 * 1024;
const LARGEST = 16 * 1024 * 1024;
const BRISK = 2; // seconds; a piece that takes less may be larger, one that takes four times as long smaller
const WAITS = [1, 2, 4, 8, 15, 30]; // seconds before the next attempt
const REMEMBERED = 24 * 3600 * 1000; // ms; the server forgets what has stopped for a day
const PREFIX = "netwright-upload:";

/**
 * What is sent. The fingerprint tells the same file from another of the same name.
 * @typedef {{name: string, size: number, fingerprint: string, read: (start: number, end: number) => Blob}} Source
 * @typedef {"waiting" | "sending" | "retrying" | "paused" | "failed" | "done" | "cancelled"} State
 */

/** An answer that says no. */
class Refusal extends Error {
  /** @param {XMLHttpRequest} answer */
  constructor(answer) {
    super(words(answer));
    this.status = answer.status;
    // Not the time for it (busy, locked, a changed piece, a full disk, a restart): it is worth another try.
    this.passing = [408, 409, 423, 429, 460].includes(answer.status) || answer.status >= 500;
  }
}

/** The file itself is the trouble: asking the server again does not help. */
class Unreadable extends Error {}

/**
 * What a server said, for people.
 * @param {XMLHttpRequest} answer
 */
function words(answer) {
  try {
    return JSON.parse(answer.responseText).error.message;
  } catch {
    return `The server answered with an error (${answer.status}).`;
  }
}

/**
 * A request whose upload can be watched, which fetch cannot.
 * @param {string} method
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {{body?: ArrayBuffer | string, signal?: AbortSignal, onProgress?: (sent: number) => void}} [options]
 * @returns {Promise<XMLHttpRequest>}
 */
export function send(method, url, headers, { body, signal, onProgress } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (onProgress) request.upload.onprogress = (now) => onProgress(now.loaded);
    request.onload = () => (request.status < 300 ? resolve(request) : reject(new Refusal(request)));
    request.onerror = () => reject(new Error("The connection to Netwright broke."));
    request.onabort = () => reject(new DOMException("Stopped", "AbortError"));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    if (signal?.aborted) request.abort();
    request.send(body);
  });
}

/** @param {string} text */
function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** @param {ArrayBuffer} data */
async function checksum(data) {
  if (!crypto.subtle) return {}; // browsers have it on https and localhost only
  const digest = await crypto.subtle.digest("SHA-256", data);
  return { "Upload-Checksum": `sha256 ${btoa(String.fromCharCode(...new Uint8Array(digest)))}` };
}

/**
 * What was on its way when the page was left: to this data set, or to a "new" one that was made for it.
 * @param {string} scope the data set's id, or "new"
 * @param {Source} source
 * @returns {{url: string, dataset: number} | null}
 */
export function remembered(scope, source) {
  for (const key of Object.keys(localStorage).filter((each) => each.startsWith(PREFIX))) {
    if (Date.now() - JSON.parse(localStorage[key]).at > REMEMBERED) localStorage.removeItem(key);
  }
  const look = (/** @type {string} */ where) => JSON.parse(localStorage[`${PREFIX}${where}:${source.fingerprint}`] ?? "null");
  const fresh = look("new");
  return look(scope) ?? (fresh?.dataset === Number(scope) ? fresh : null);
}

/** One file on its way. */
export class Transfer {
  /**
   * @param {Source} source
   * @param {{scope: string, dataset: number, label: string, csrf: string, url?: string, onChange: () => void}} options
   */
  constructor(source, { scope, dataset, label, csrf, url = "", onChange }) {
    this.source = source;
    this.dataset = dataset;
    this.label = label;
    this.headers = { ...TUS, "X-CSRFToken": csrf };
    this.url = url;
    this.onChange = onChange;
    this.keys = [scope, "new"].map((where) => `${PREFIX}${where}:${source.fingerprint}`);
    this.state = /** @type {State} */ ("waiting");
    this.reason = "";
    this.offset = 0; // bytes that the server has
    this.sent = 0; // bytes that have left us
    this.piece = 4 * SMALLEST;
    this.known = false; // whether the offset is the server's word
    this.stop = new AbortController();
    /** @type {[number, number][]} when how much had been sent, for the speed */
    this.past = [];
  }

  /**
   * @param {State} state
   * @param {string} [reason]
   */
  become(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.onChange();
  }

  /** Sends until all is there, or somebody stops it. */
  async run() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.past = [];
    this.become("sending");
    for (let attempt = 0; ; ) {
      try {
        if (!this.known) await this.find(signal);
        while (this.offset < this.source.size) {
          await this.sendPiece(signal);
          attempt = 0;
        }
        this.forget();
        return this.become("done");
      } catch (error) {
        if (signal.aborted) return;
        this.sent = this.offset; // what was under way may be lost
        const why = /** @type {Error} */ (error);
        if (why instanceof Unreadable || (why instanceof Refusal && !why.passing)) {
          this.known = false;
          return this.become("failed", why.message);
        }
        this.known = false;
        const seconds = WAITS[Math.min(attempt++, WAITS.length - 1)];
        this.become("retrying", `${why.message} Trying again in ${seconds} s.`);
        await pause(seconds, signal);
        if (signal.aborted) return;
        this.become("sending");
      }
    }
  }

  /**
   * Asks where to go on; announces the file if the server knows nothing of it.
   * @param {AbortSignal} signal
   */
  async find(signal) {
    if (this.url) {
      try {
        const answer = await send("HEAD", this.url, this.headers, { signal });
        return this.arrivedAt(Number(answer.getResponseHeader("Upload-Offset")));
      } catch (error) {
        if (!(error instanceof Refusal) || ![404, 410].includes(error.status)) throw error;
      }
    }
    const facts = { dataset: String(this.dataset), filename: this.source.name, label: this.label };
    const metadata = Object.entries(facts).filter(([, value]) => value).map(([key, value]) => `${key} ${base64(value)}`);
    const length = { "Upload-Length": String(this.source.size), "Upload-Metadata": metadata.join(",") };
    const answer = await send("POST", "/api/v1/uploads", { ...this.headers, ...length }, { signal });
    this.url = answer.getResponseHeader("Location") ?? "";
    localStorage[this.keys[0]] = JSON.stringify({ url: this.url, dataset: this.dataset, at: Date.now() });
    this.arrivedAt(0);
  }

  /** @param {AbortSignal} signal */
  async sendPiece(signal) {
    const start = this.offset;
    const body = await this.source.read(start, Math.min(start + this.piece, this.source.size)).arrayBuffer().catch(() => {
      throw new Unreadable(`${this.source.name} can no longer be read. Was it changed or moved? Choose it again.`);
    });
    const headers = {
      ...this.headers,
      ...(await checksum(body)),
      "Content-Type": "application/offset+octet-stream",
      "Upload-Offset": String(start),
    };
    const began = performance.now();
    const onProgress = (/** @type {number} */ sent) => this.sentUpTo(start + sent);
    const answer = await send("PATCH", this.url, headers, { body, signal, onProgress });
    const seconds = (performance.now() - began) / 1000;
    if (seconds < BRISK) this.piece = Math.min(this.piece * 2, LARGEST);
    else if (seconds > BRISK * 4) this.piece = Math.max(this.piece / 2, SMALLEST);
    this.arrivedAt(Number(answer.getResponseHeader("Upload-Offset")));
  }

  /** @param {number} offset */
  arrivedAt(offset) {
    this.offset = offset;
    this.known = true;
    this.sentUpTo(offset);
  }

  /** @param {number} sent */
  sentUpTo(sent) {
    this.sent = sent;
    const now = performance.now();
    this.past.push([now, sent]);
    while (this.past.length > 2 && now - this.past[0][0] > 10_000) this.past.shift();
    this.onChange();
  }

  /** Seconds that are left at the pace of the last ten, or null while nobody can tell. */
  get left() {
    const [[began, first], [now, last]] = [this.past[0] ?? [0, 0], this.past.at(-1) ?? [0, 0]];
    if (now - began < 1000 || last <= first) return null;
    return ((this.source.size - last) * (now - began)) / (last - first) / 1000;
  }

  forget() {
    for (const key of this.keys) localStorage.removeItem(key);
  }

  pause() {
    this.stop.abort();
    this.known = false;
    this.sent = this.offset;
    this.become("paused");
  }

  /** Stops, and has the server forget it. */
  async cancel() {
    this.stop.abort();
    this.forget();
    this.become("cancelled");
    if (this.url) await send("DELETE", this.url, this.headers).catch(() => {}); // else the server's own sweep does it
  }
}

/**
 * Waits; less if the network comes back or somebody stops it.
 * @param {number} seconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(seconds, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    window.addEventListener("online", done);
    signal.addEventListener("abort", done, { once: true });
  });
}
