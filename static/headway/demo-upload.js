/**
 * The upload page: a card for each upload, whose one bar goes from the first byte to the result.
 *
 * While bytes go up the page tells the element itself (`preview`); then it hands the element a task
 * and a token, and Headway goes on.
 */

import { sample } from "./demo-upload-samples.js";
import { Refusal, Sender, sized } from "./demo-upload-sender.js";

const STAGES = ["Upload", "Check", "Convert", "Publish"];
/**
 * One bar from the first byte to the result, which never goes back. Of a file the upload is the first
 * of the stages. Of several pictures each is a task: the upload is the first fifth, which is shown until
 * the group is further, and publishing them is as one more of them.
 */
const GROUP_SHARE = 20;
const PUBLISHING = "Putting it where you can see it";
const TROUBLE = "Connection lost. It goes on when it is back";

/** @typedef {HTMLElement & {preview(row: object): void}} Bar */
/** @typedef {Record<string, any>} Told an upload as the server tells it */

/** @param {ParentNode} within @param {string} name @returns {HTMLElement|null} */
const part = (within, name) => within.querySelector(`[data-part="${name}"]`);
const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-begin]"));
const csrf = () => /** @type {HTMLInputElement} */ (form.elements.namedItem("csrfmiddlewaretoken")).value;

/** @type {import ("./demo-upload-sender.js").Outside} */
const outside = {
  fetch: (url, init) => fetch(url, { ...init, headers: { .../** @type {any} */ (init).headers, "X-CSRFToken": csrf() } }),
  now: () => performance.now(),
  wait: (ms, signal) => new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
    addEventListener("online", done);
    signal.addEventListener("abort", () => { done(); reject(signal.reason); }, { once: true });
  }),
};

/** A row of the page's own. @param {number|null} percent null: as far as it was @param {string} message */
const working = (percent, message) => (
  { status: "running", progress: { current: null, total: null, message, percent, stage: null, stages: null }, can: [] }
);

/** One upload on the page, from choosing to the end. */
class Card {
  #abort = new AbortController();
  /** @type {Told|null} */
  #told = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    root.addEventListener("submit", (event) => this.#remove(event));
    root.addEventListener("headway:done", (event) => { this.#done(/** @type {CustomEvent} */ (event).detail); });
  }

  /** @returns {Bar} */
  get bar() {
    return /** @type {Bar} */ (this.root.querySelector("headway-progress"));
  }

  /** @param {File[]} files @param {boolean} stumbles */
  async send(files, stumbles) {
    const name = files.length === 1 ? files[0]?.name : `${files.length} pictures`;
    const total = files.reduce((sum, file) => sum + file.size, 0);
    this.#write("name", name ?? "");
    this.#write("facts", sized(total));
    this.bar.setAttribute("label", name ?? "");
    const isGroup = files.length > 1;
    // How much of it is here from before, nobody knows yet.
    this.#say(null, "Getting ready");
    poster(this.root, files[0]);
    const sender = new Sender(outside, (progress) => this.#preview(progress, isGroup), this.#abort.signal);
    const lost = () => this.#say(null, TROUBLE);
    try {
      const list = files.map((file) => ({ name: file.name, size: file.size, stamp: String(file.lastModified) }));
      const begun = await sender.ask(form.dataset["begin"] ?? "", this.#json({ files: list, stumbles }), lost);
      this.#is(begun);
      if (begun.state === "open") await sender.send(begun.url, files, begun.offsets, begun.max_chunk);
      this.follow(await sender.ask(`${begun.url}finish/`, this.#json({}), lost));
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.fail(error instanceof Refusal ? error.message : "Something in this page broke. Reload it.");
      if (!(error instanceof Refusal)) throw error;
    }
  }

  /** @param {Told} told */
  #is(told) {
    this.#told = told;
    // Chosen once more while it is here already: one card is enough.
    const other = document.querySelector(`[data-upload="${told["id"]}"]`);
    if (other !== this.root) other?.remove();
    this.root.dataset["upload"] = told["id"];
    const remove = /** @type {HTMLFormElement} */ (part(this.root, "remove"));
    remove.action = `${told["url"]}remove/`;
  }

  /** Found on the page: it is as far as the server wrote, until Headway says more. */
  goOn() {
    const written = this.root.dataset["state"] === "working" && this.root.querySelector("headway-progress progress");
    if (!(written instanceof HTMLProgressElement) || written.position < 0) return;
    this.#say(written.value, written.closest("label")?.querySelector("span + span")?.textContent ?? "");
  }

  /** Headway goes on with it. @param {Told} told */
  follow(told) {
    this.#is(told);
    this.root.dataset["state"] = told["state"];
    this.root.dataset["then"] = told["then"] ?? "";
    this.#write("button", "Remove");
    if (!told["follow"]) return this.#end(told, null);
    this.#follow(told["follow"], told);
  }

  /** @param {Record<string, string|null>} what @param {Told} told */
  #follow(what, { token, refresh }) {
    this.#attributes({ ...what, token, refresh, server: form.dataset["server"] ?? "/" });
  }

  /** @param {string} message @param {string|null} [reference] */
  fail(message, reference = null) {
    this.root.dataset["state"] = "refused";
    this.#write("button", "Remove");
    this.#fresh({ status: "completed", conclusion: "failed", error: { message, reference }, can: [] });
  }

  /** What Headway says is over: is the upload? @param {Record<string, any>} row */
  async #done(row) {
    const { upload, then } = this.root.dataset;
    if (!row["id"] || !upload) return;
    const isPart = Boolean(then) && row["id"] !== then && row["conclusion"] !== "cancelled";
    if (isPart) {
      // Some may have been left out: it is published all the same, and not over before that.
      const parts = row["progress"]?.total ?? 1;
      this.#fresh(working((100 * parts) / (parts + 1), PUBLISHING));
    }
    const told = await this.#ask("");
    if (!told) return;
    if (!isPart || told["state"] !== "working") return this.#end(told, isPart ? null : row);
    const { token } = (await this.#ask("token/", { id: then })) ?? {};
    if (token) this.#follow({ task: then ?? null }, { ...told, token });
  }

  /** @param {Told} told @param {Record<string, any>|null} row */
  #end(told, row) {
    this.#told = told;
    this.root.dataset["state"] = told["state"];
    if (told["state"] === "refused") this.fail(told["message"], row?.["error"]?.reference);
    if (told["state"] !== "done") return;
    const link = document.createElement("a");
    link.slot = "done";
    link.href = told["results"];
    link.textContent = `View ${told["summary"]}`;
    this.bar.querySelector("[slot=done]")?.remove();
    this.bar.append(link);
    // Of several pictures some may have been left out: the upload came to its end all the same.
    if (row?.["conclusion"] !== "succeeded") this.#fresh({ status: "completed", conclusion: "succeeded", can: [] }, link);
  }

  /** @param {{sent: number, total: number, left: number|null, trouble: boolean}} progress @param {boolean} isGroup */
  #preview({ sent, total, left, trouble }, isGroup) {
    const fraction = total ? sent / total : 0;
    const message = trouble ? TROUBLE : `${sized(sent)} of ${sized(total)} sent`;
    const whole = isGroup
      ? { percent: GROUP_SHARE * fraction, stage: null, stages: null }
      : { percent: (100 / STAGES.length) * fraction, stage: STAGES[0], stages: STAGES };
    this.bar.preview({ status: "running", progress: { current: null, total: null, message, ...whole }, eta_seconds: left, can: [] });
  }

  /** @param {number|null} percent @param {string} message */
  #say(percent, message) {
    this.bar.preview(working(percent, message));
  }

  /** A bar that follows nothing any more. @param {object} row @param {Node[]} inside */
  #fresh(row, ...inside) {
    const bar = /** @type {Bar} */ (document.createElement("headway-progress"));
    bar.setAttribute("label", part(this.root, "name")?.textContent ?? "");
    bar.append(...inside);
    this.bar.replaceWith(bar);
    bar.preview(row);
  }

  /** @param {SubmitEvent} event */
  async #remove(event) {
    event.preventDefault();
    this.#abort.abort();
    const { action } = /** @type {HTMLFormElement} */ (part(this.root, "remove"));
    if (this.#told || this.root.dataset["upload"]) await outside.fetch(action, { ...this.#json({}), redirect: "manual" }).catch(() => null);
    this.root.remove();
    const next = document.querySelector("main [data-part=button], #files");
    if (next instanceof HTMLElement) next.focus();
  }

  /**
   * Of the upload, until the network has an answer: what is over is told once.
   *
   * @param {string} path @param {object} [body] posted @returns {Promise<Told|null>} null where it is refused
   */
  async #ask(path, body) {
    const { action } = /** @type {HTMLFormElement} */ (part(this.root, "remove"));
    const sender = new Sender(outside, () => {}, this.#abort.signal);
    return sender.ask(action.replace(/remove\/$/, path), body ? this.#json(body) : {}).catch(() => null);
  }

  /** @param {object} body */
  #json(body) {
    return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  }

  /** @param {Record<string, string|null|undefined>} attributes */
  #attributes(attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null) this.bar.removeAttribute(name);
      else if (value !== undefined) this.bar.setAttribute(name, value);
    }
  }

  /** @param {string} name @param {string} text */
  #write(name, text) {
    const place = part(this.root, name);
    if (place) place.textContent = text;
  }
}

/** A look at the picture before any of it is sent; no address of it is needed. @param {HTMLElement} root @param {File|undefined} file */
async function poster(root, file) {
  // What it is, the server says by its content; until then its name has to do.
  const frame = root.querySelector(".poster");
  if (frame instanceof HTMLElement && file && /\.(csv|tsv)$/i.test(file.name)) frame.dataset.kind = "table";
  const canvas = root.querySelector("canvas");
  if (!canvas || !file || file.size > 30e6) return;
  try {
    const bitmap = await createImageBitmap(file, { resizeWidth: 256, resizeQuality: "medium" });
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
    canvas.hidden = false;
  } catch {
    // Not a picture, or not a whole one: the server says what is wrong.
  }
}

/** @param {File[]} files */
function send(files) {
  if (!files.length) return;
  const blank = /** @type {HTMLTemplateElement} */ (document.querySelector("template[data-card]"));
  const root = /** @type {HTMLElement} */ (blank.content.firstElementChild?.cloneNode(true));
  document.querySelector("[data-cards]")?.prepend(root);
  const stumbles = /** @type {HTMLInputElement|null} */ (document.querySelector("[name=stumbles]"));
  new Card(root).send(files, Boolean(stumbles?.checked));
  if (stumbles) stumbles.checked = false;
}

function listen() {
  const input = /** @type {HTMLInputElement} */ (document.getElementById("files"));
  document.documentElement.classList.add("has-script");
  input.addEventListener("change", () => {
    send([...(input.files ?? [])]);
    input.value = "";
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const type of ["dragenter", "dragover"]) {
    form.addEventListener(type, (event) => { event.preventDefault(); form.classList.add("over"); });
  }
  form.addEventListener("dragleave", (event) => {
    if (!form.contains(/** @type {Node|null} */ (event.relatedTarget))) form.classList.remove("over");
  });
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    send([...(event.dataTransfer?.files ?? [])]);
  });
  document.addEventListener("click", async ({ target }) => {
    const name = target instanceof HTMLElement ? target.dataset["sample"] : undefined;
    if (name) send(await sample(name));
  });
  for (const root of document.querySelectorAll("[data-upload]")) new Card(/** @type {HTMLElement} */ (root)).goOn();
}

listen();
