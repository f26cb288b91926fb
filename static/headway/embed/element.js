/**
 * `<headway-progress>`: how far a task, a chain or a group is, for the person who waits for it.
 *
 * @typedef {import ("./types.js").Row} Row
 * @typedef {import ("./types.js").Face} Face
 * @typedef {import ("./types.js").Follower} Follower
 */

import { chain, forward, isNewer, settle } from "./track.js";
import { face, isOver, stateOf } from "./face.js";
import { announce, attach, onTick } from "./browser.js";
import { View } from "./view.js";
import { en, fill } from "./words.js";

/** The bar glides for longer than this, and texts that change faster cannot be read. */
const PAINT_MS = 500;
const STEP = 25;

/** Languages that are fetched when a page needs them. @type {Record<string, () => Promise<{words: Record<string, string>}>>} */
const LANGUAGES = { de: () => import("./de.js") };

/** @type {(text: string|null) => string[]} */
const split = (text) => (text ?? "").split(/\s+/).filter(Boolean);

export class HeadwayProgress extends HTMLElement {
  static observedAttributes = ["task", "group", "token", "refresh", "server", "label", "lang"];
  /** Texts by language; a page may add its own. @type {Record<string, Record<string, string>>} */
  static words = { en };

  /** @type {View|null} */
  #view = null;
  /** @type {Follower|null} */
  #follower = null;
  /** @type {import ("./link.js").Link|null} */
  #link = null;
  #followed = "";
  /** @type {Map<string, {row: Row, epoch: string}>} */
  #rows = new Map();
  /** What is shown, whole and never backwards. @type {Row|null} */
  #row = null;
  #at = 0;
  /** @type {number|null} */
  #endAt = null;
  #problem = "";
  /** @type {import ("./types.js").Doing} */
  #doing = { phase: "", text: "" };
  /** @type {import ("./acts.js").Acts|null} */
  #acts = null;
  #said = "";
  #step = 0;
  #doneFor = "";
  #timer = 0;
  #paintedAt = 0;

  get status() { return this.#row?.status ?? null; }
  get conclusion() { return this.#row?.conclusion ?? null; }
  get progress() { return this.#row?.progress ?? null; }
  get result() { return this.#row?.result; }
  get transport() { return this.#link?.standing.transport ?? null; }

  connectedCallback() {
    this.#view ??= new View(this.shadowRoot ?? this.attachShadow({ mode: "open" }), (act) => this.#act(act));
    onTick(this, () => this.#paint());
    // A region is heard only where it was there before it speaks.
    announce("");
    this.#follow();
    this.#paint();
  }

  disconnectedCallback() {
    // Moved, not removed: what is followed stays so.
    queueMicrotask(() => {
      if (this.isConnected) return;
      onTick(this, null);
      this.#follow();
    });
  }

  attributeChangedCallback() {
    // Several are changed together, and only the last state matters.
    queueMicrotask(() => {
      if (!this.isConnected) return;
      this.#follow();
      this.#paint();
    });
  }

  /**
   * Shows a row of the page's own making, such as an upload's bytes, until a real one comes.
   *
   * @param {Row} row as in the public view; `status` is enough
   */
  preview(row) {
    this.#follow();
    if (!this.#rows.size) this.#show(row);
  }

  /** @returns {string[]} */
  get #subjects() {
    const group = this.getAttribute("group");
    return group ? [`group:${group}`] : split(this.getAttribute("task")).map((id) => `task:${id}`);
  }

  #follow() {
    const token = this.getAttribute("token");
    const subjects = this.#subjects;
    const wanted = this.isConnected && token && subjects.length ? JSON.stringify([subjects, token, this.getAttribute("refresh"), this.getAttribute("server")]) : "";
    if (wanted === this.#followed) return;
    this.#followed = wanted;
    if (this.#follower) this.#link?.leave(this.#follower);
    this.#follower = this.#link = null;
    const isOther = this.isConnected && ![...this.#rows.keys()].every((subject) => subjects.includes(subject));
    if (isOther) {
      this.#rows.clear();
      this.#row = this.#endAt = null;
      this.#step = 0;
    }
    if (!wanted || !token) return;
    this.#problem = "";
    this.#doing = { phase: "", text: "" };
    this.#follower = {
      subjects, token, refresh: this.getAttribute("refresh"),
      take: (row, epoch) => this.#take(row, epoch),
      notice: () => this.#paintSoon(),
      refuse: (code, message) => this.#refuse(code, message),
      isOver: () => isOver(this.#row),
    };
    this.#link = attach(this.getAttribute("server"), this.#follower);
    if (!this.#link) this.#refuse("crowded", "");
  }

  /** @param {Row} row @param {string} epoch */
  #take(row, epoch) {
    const subject = row.subject ?? "";
    if (!isNewer(this.#rows.get(subject), row, epoch)) return;
    this.#rows.set(subject, { row, epoch });
    const whole = chain((this.#follower?.subjects ?? this.#subjects).map((each) => this.#rows.get(each)?.row));
    this.#problem = "";
    if (whole) this.#show(whole);
  }

  /** @param {Row} row */
  #show(row) {
    const now = Date.now() / 1000;
    this.#row = forward(this.#row, row);
    this.#at = now;
    this.#endAt = isOver(row) ? null : settle(this.#endAt, row.eta_seconds, now);
    if (isOver(row)) this.#doing = { ...this.#doing, phase: "", text: "" };
    this.#emit("change", this.#row);
    const end = isOver(row) ? `${row.id} ${row.conclusion}` : "";
    if (end && end !== this.#doneFor) this.#emit("done", this.#row);
    this.#doneFor = end;
    this.#paintSoon();
  }

  /** @param {string} code @param {string} message */
  #refuse(code, message) {
    if (isOver(this.#row)) return;
    const { words } = this.#language();
    this.#problem = (code === "token_expired" ? message || words.expired : words[code] ?? words.refused) ?? "";
    this.#emit("error", { code, message: this.#problem });
    this.#paintSoon();
  }

  /** @param {string} name @param {unknown} detail */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`headway:${name}`, { detail, bubbles: true, composed: true }));
  }

  /** The texts of the nearest `lang`; English until another one has been fetched. */
  #language() {
    const { words } = HeadwayProgress;
    const full = this.closest("[lang]")?.getAttribute("lang") || "en";
    const short = full.split("-")[0]?.toLowerCase() ?? "en";
    const fetched = words[full] ?? words[short];
    if (fetched) return { lang: full, words: { ...en, ...fetched } };
    const fetching = LANGUAGES[short]?.();
    delete LANGUAGES[short];
    fetching?.then((found) => {
      words[short] = found.words;
      for (const element of document.querySelectorAll("headway-progress")) if (element instanceof HeadwayProgress) element.#paint();
    }, () => {});
    return { lang: "en", words: en };
  }

  #paintSoon() {
    if (this.#timer) return;
    const wait = Math.max(0, this.#paintedAt + PAINT_MS - performance.now());
    this.#timer = window.setTimeout(() => this.#paint(), wait);
  }

  #paint() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#paintedAt = performance.now();
    const row = this.#row ?? (this.#problem ? { status: "unknown" } : null);
    if (!row || !this.#view) return;
    const { words, lang } = this.#language();
    const now = Date.now() / 1000;
    const known = this.#link?.standing;
    const standing = { ...known, isBlind: known?.isBlind || row.note === "blind", heardAt: known?.heardAt || this.#at, problem: this.#problem };
    const { transport } = standing;
    const seen = face(row, { words, lang, now, at: this.#at, endAt: this.#endAt, label: this.getAttribute("label") ?? "", standing });
    seen.note = this.#doing.text || seen.note;
    this.#view.paint(seen, {
      isGiven: !this.#row,
      acts: this.#buttons(seen, words), reference: words.reference ?? "",
      via: transport ? fill(words.via, { transport }) : "",
    });
    this.#speak(seen, row, words);
    this.#acts?.refresh();
  }

  /** @param {Face} seen @param {Record<string, string>} words @returns {[string, string, boolean][]} */
  #buttons({ acts, isGroup }, words) {
    const { phase, isListed } = this.#doing;
    /** @type {string[]} */
    const names = phase === "ask" ? ["keep", "yes"] : [];
    if (!phase) {
      if (isGroup) names.push(isListed ? "hide" : "show");
      names.push(...acts);
    }
    return names.flatMap((name) => (words[name] ? [[name, words[name], name === "yes" || name === "retry"]] : []));
  }

  /** @param {string} name of the button */
  async #act(name) {
    const [link, follower, view] = [this.#link, this.#follower, this.#view];
    const pass = follower && link?.passOf(follower);
    if (!pass || !link || !view) return;
    const { words } = this.#language();
    try {
      const host = {
        link, pass, words, fill, stateOf, subject: this.#row?.subject ?? follower.subjects[0] ?? "", list: view.list,
        show: (/** @type {import ("./types.js").Doing} */ doing) => {
          this.#doing = { ...this.#doing, ...doing };
          this.#paint();
        },
        goOn: (/** @type {string} */ id, /** @type {string} */ token) => this.#goOn(id, token),
        emit: (/** @type {string} */ event, /** @type {unknown} */ detail) => this.#emit(event, detail),
      };
      const { Acts } = await import("./acts.js");
      this.#acts ??= new Acts(host);
      this.#acts.host = host;
      this.#acts.run(name);
    } catch {
      this.#doing = { phase: "", text: fill(words.not_done, { why: words.unreachable }) };
      this.#paint();
    }
  }

  /** @param {string} id @param {string} token */
  #goOn(id, token) {
    const now = this.#row?.id;
    this.setAttribute("task", split(this.getAttribute("task")).map((each) => (each === now ? id : each)).join(" "));
    this.setAttribute("token", token);
  }

  /** Every quarter and the end, once. @param {Face} seen @param {Row} row @param {Record<string, string>} words */
  #speak({ title, value, state, bar }, row, words) {
    const step = Math.floor((bar ?? 0) / STEP);
    const text = isOver(row) ? words[state] ?? "" : step > this.#step ? value : "";
    this.#step = Math.max(step, this.#step);
    const said = isOver(row) ? `${row.id} ${state}` : String(step);
    const isNews = this.#said && text && said !== this.#said;
    this.#said = said;
    if (isNews) announce(text === title ? text : `${title}: ${text}`);
  }
}
