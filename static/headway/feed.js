/**
 * The live socket of a page: one connection, any number of views on it.
 *
 * The feed owns what is about the connection (acknowledging, coming back, resuming, resting while
 * the tab is hidden); what a view holds is its source's affair. Timers, clock, randomness and
 * sockets are given from outside.
 *
 * @typedef {import ("./types.js").SnapshotFrame} SnapshotFrame
 * @typedef {import ("./types.js").PatchFrame} PatchFrame
 * @typedef {import ("./types.js").Refusal} Refusal
 * @typedef {import ("./types.js").Cursor} Cursor
 * @typedef {import ("./types.js").Stream} Stream
 * @typedef {import ("./connection.js").Status} Status
 *
 * @typedef {{op: "hello", frame: number, epoch: string, user: string|null, can: string[],
 *   server_time: string|number, version: string, assets: string}} Hello
 *
 * @typedef {object} Source what a view shows, and to whom
 * @property {() => Record<string, unknown>} spec what `open` asks for: of, query, limit, id, ids
 * @property {() => Cursor|null} cursor where to resume
 * @property {(frame: SnapshotFrame|PatchFrame, epoch: string) => void} receive
 * @property {(refusal: Refusal) => void} refuse the view is closed, with the reason
 * @property {() => void} interrupt the connection that carried it is gone
 *
 * @typedef {{readyState: number, send(text: string): void, close(): void,
 *   onmessage: ((event: any) => void)|null, onclose: ((event: any) => void)|null}} Socket
 *   what a WebSocket is to the feed
 *
 * @typedef {{connect: () => Socket, now: () => number, random: () => number,
 *   setTimeout: (run: () => void, ms: number) => number, clearTimeout: (timer: number) => void,
 *   isHidden: () => boolean}} Outside
 *   `now` in Unix seconds
 */

/** The server holds back after 16 frames or 64 KB without word; half of that keeps it sending. */
const ACK_FRAMES = 8;
const ACK_LENGTH = 32 * 1024;
const ACK_MS = 1000;

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/** A connection that held this long has shown that the server is well. */
const STEADY_MS = 10_000;
/** The stream speaks every second; a socket silent for this long is dead without having said so. */
const SILENCE_MS = 20_000;
/** A tab that is hidden for longer is not merely being switched through. */
const REST_AFTER_MS = 60_000;
const CROWDED_MS = 60_000;

const CROWDED = 4405;
const OPEN = 1;

/** @type {Record<number, string>} */
const REASONS = { 4503: "not_allowed", 4504: "no_right" };

/** @param {number} code */
const isFinal = (code) => code >= 4500 && code <= 4999;

export class Feed {
  /** @type {Outside} */
  #outside;
  /** @type {Socket|null} */
  #socket = null;
  /** @type {Map<number, Source>} views that are open on this connection, by number */
  #views = new Map();
  /** @type {Set<Source>} */
  #sources = new Set();
  #nextView = 1;
  #epoch = "";
  #isGreeted = false;
  #isResting = false;
  #attempt = 0;
  #delayMs = -1;
  #refusal = "";
  #unacked = { frame: 0, frames: 0, length: 0 };
  /** @type {Map<string, number>} running timers by purpose */
  #timers = new Map();
  /** @type {Set<() => void>} */
  #watchers = new Set();

  /** @type {Status} */
  status = { phase: "connecting", retryAt: null, reason: "", heardAt: null, stream: null };
  /** @type {((hello: Hello) => void)|null} */
  onhello = null;

  /** @param {Outside} outside */
  constructor(outside) {
    this.#outside = outside;
  }

  /**
   * Calls back on every change of `status`.
   *
   * @param {() => void} watcher
   */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  start() {
    if (!this.#socket && this.status.phase !== "stopped") this.#connect();
  }

  /**
   * Watches what a source asks for, from now on and across connections.
   *
   * @param {Source} source
   */
  open(source) {
    this.#sources.add(source);
    if (this.#isGreeted && !this.#isResting) this.#openView(source);
  }

  /** @param {Source} source */
  close(source) {
    this.#sources.delete(source);
    this.#closeView(source);
  }

  /**
   * Closes a source's view and opens it with what it asks for now.
   *
   * @param {Source} source
   */
  reopen(source) {
    this.close(source);
    this.open(source);
  }

  /** The tab was hidden or shown, or the network is back: what can be done at once is done. */
  wake() {
    if (this.#outside.isHidden()) {
      this.#after("rest", REST_AFTER_MS, () => this.#rest());
      return;
    }
    this.#stop("rest");
    if (this.#isResting) {
      this.#isResting = false;
      if (this.#isGreeted) this.#openAll();
    }
    if (this.status.phase === "waiting" && this.status.reason !== "crowded") this.#connect();
  }

  #rest() {
    this.#isResting = true;
    for (const source of this.#sources) this.#closeView(source);
  }

  #connect() {
    this.#stop("retry");
    this.#isGreeted = false;
    this.#refusal = "";
    this.#delayMs = -1;
    this.#unacked = { frame: 0, frames: 0, length: 0 };
    this.#set({ phase: "connecting", retryAt: null, stream: null });
    const socket = this.#outside.connect();
    this.#socket = socket;
    socket.onmessage = (event) => this.#socket === socket && this.#take(event.data);
    socket.onclose = (event) => this.#socket === socket && this.#lost(event.code);
    this.#listen();
  }

  /** Starts the wait for the next sign of life over. */
  #listen() {
    this.#after("silence", SILENCE_MS, () => {
      const socket = this.#socket;
      this.#lost(1006);
      socket?.close();
    });
  }

  /** @param {string} text */
  #take(text) {
    /** @type {any} */
    const frame = JSON.parse(text);
    this.#listen();
    this.status.heardAt = this.#outside.now();
    this.#handle(frame);
    this.#acknowledge(frame.frame, text.length);
  }

  /** @param {any} frame */
  #handle(frame) {
    const source = this.#views.get(frame.view);
    switch (frame.op) {
      case "hello": return this.#greet(frame);
      case "snapshot":
      case "patch": return source?.receive(frame, this.#epoch);
      case "stream": return this.#set({ stream: frame });
      case "error": return this.#refused(frame, source);
      case "bye": return this.#leave(frame.reconnect_in_ms);
    }
  }

  /** @param {Hello} hello */
  #greet(hello) {
    this.#epoch = hello.epoch;
    this.#isGreeted = true;
    this.#after("steady", STEADY_MS, () => { this.#attempt = 0; });
    this.#set({ phase: "open", reason: "" });
    this.onhello?.(hello);
    if (!this.#isResting) this.#openAll();
  }

  /**
   * @param {Refusal} refusal
   * @param {Source|undefined} source
   */
  #refused(refusal, source) {
    if (refusal.view === undefined || refusal.view === null) {
      this.#refusal = refusal.message;
      return;
    }
    this.#views.delete(refusal.view);
    if (!source) return;
    source.refuse(refusal);
    if (refusal.retry) this.#after(`again ${refusal.view}`, this.#jitter(), () => this.#sources.has(source) && this.reopen(source));
    else this.#sources.delete(source);
  }

  /** @param {number} ms */
  #leave(ms) {
    this.#delayMs = ms;
    this.#refusal = "leaving";
    const socket = this.#socket;
    this.#lost(1001);
    socket?.close();
  }

  #openAll() {
    for (const source of this.#sources) this.#openView(source);
  }

  /** @param {Source} source */
  #openView(source) {
    const view = this.#nextView++;
    this.#views.set(view, source);
    const since = source.cursor();
    this.#send({ op: "open", view, ...source.spec(), ...(since ? { since } : {}) });
  }

  /** @param {Source} source */
  #closeView(source) {
    for (const [view, candidate] of this.#views) {
      if (candidate !== source) continue;
      this.#views.delete(view);
      this.#send({ op: "close", view });
      source.interrupt();
    }
  }

  /**
   * @param {number|undefined} frame
   * @param {number} length
   */
  #acknowledge(frame, length) {
    if (frame === undefined || !this.#socket) return;
    const { frames, length: before } = this.#unacked;
    this.#unacked = { frame, frames: frames + 1, length: before + length };
    if (frames + 1 >= ACK_FRAMES || before + length >= ACK_LENGTH) this.#ack();
    else if (!this.#timers.has("ack")) this.#after("ack", ACK_MS, () => this.#ack());
  }

  #ack() {
    this.#stop("ack");
    this.#send({ op: "ack", frame: this.#unacked.frame });
    this.#unacked = { ...this.#unacked, frames: 0, length: 0 };
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {number} code */
  #lost(code) {
    this.#socket = null;
    this.#isGreeted = false;
    for (const purpose of this.#timers.keys()) if (purpose !== "rest") this.#stop(purpose);
    for (const source of this.#views.values()) source.interrupt();
    this.#views.clear();
    if (isFinal(code)) {
      this.#set({ phase: "stopped", reason: REASONS[code] ?? (this.#refusal || "stopped"), stream: null });
      return;
    }
    const delay = this.#delay(code);
    const reason = code === CROWDED ? "crowded" : this.#refusal || "interrupted";
    this.#set({ phase: "waiting", reason, retryAt: this.#outside.now() + delay / 1000, stream: null });
    this.#after("retry", delay, () => this.#connect());
  }

  /** @param {number} code */
  #delay(code) {
    if (code === CROWDED) return CROWDED_MS;
    return this.#delayMs >= 0 ? this.#delayMs : this.#jitter();
  }

  /** Anything from nothing to a bound that doubles: a thousand pages must not come back at once. */
  #jitter() {
    return this.#outside.random() * Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempt++);
  }

  /**
   * @param {string} purpose
   * @param {number} ms
   * @param {() => void} run
   */
  #after(purpose, ms, run) {
    this.#stop(purpose);
    this.#timers.set(purpose, this.#outside.setTimeout(() => {
      this.#timers.delete(purpose);
      run();
    }, ms));
  }

  /** @param {string} purpose */
  #stop(purpose) {
    const timer = this.#timers.get(purpose);
    if (timer !== undefined) this.#outside.clearTimeout(timer);
    this.#timers.delete(purpose);
  }

  /** @param {Partial<Status>} change */
  #set(change) {
    this.status = { ...this.status, ...change };
    for (const watcher of this.#watchers) watcher();
  }
}
