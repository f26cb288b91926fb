/**
 * One connection to a server for all elements of a page: a websocket, else Server-Sent Events by
 * fetch, else polling. Rows are state: whatever way they come, the newest is handed on.
 *
 * @typedef {import ("./types.js").Follower} Follower
 * @typedef {import ("./types.js").Pass} Pass
 * @typedef {import ("./types.js").Row} Row
 */

import { isNewer } from "./track.js";

/** What a socket carries, of tokens and of subjects. */
const MAX_EACH = 500;
/** Subjects a frame: the server takes 16 KB, and an id has up to 255 letters. */
const MAX_TOLD = 50;
/** The server holds back after 16 frames or 64 KB without word: eight short ones, or one that is not. */
const ACK_FRAMES = 8;
const ACK_LENGTH = 4096;
/** The stream speaks every second: what is silent for so long is dead without having said so. */
const SILENCE_MS = 20_000;
const HELLO_MS = 10_000;
/** A connection that held this long has shown that the server is well. */
const STEADY_MS = 10_000;
const REST_AFTER_MS = 60_000;
/** Until what did not work for now is tried again. */
const AGAIN_MS = 5000;
const CROWDED = 4405;
/** Sockets in a row that never said hello: something on the way does not let them through. */
const MAX_FAILURES = 3;
/** The other ways cost more: a socket is tried again now and then. */
const SOCKET_AGAIN_S = 60;
/** Elements that come or go together are told of together. */
const TOGETHER_MS = 20;
const TRANSPORTS = ["websocket", "stream", "polling"];

export class Link {
  /** @type {Map<string, {row: Row, epoch: string}>} */
  #rows = new Map();
  /** @type {Set<Pass>} */
  #passes = new Set();
  /** @type {Set<Follower>} */
  #followers = new Set();
  /** What no token here opens, until there is another. @type {Set<string>} */
  #denied = new Set();
  /** @type {Map<string, number>} running timers by purpose */
  #timers = new Map();
  /** @type {Set<string>|null} what the server knows of on this connection; null before the view is open */
  #sent = null;
  /** @type {{close: () => void, send?: (text: string) => void, readyState?: number}|null} */
  #line = null;
  /** Index of TRANSPORTS. */
  #mode = 0;
  #isGreeted = false;
  #isResting = false;
  #failures = 0;
  #attempt = 0;
  #socketAt = 0;
  #body = "";
  #refusal = "";
  #epoch = "";
  #revision = 0;
  #skew = 0;
  #unacked = 0;
  #frame = 0;

  /** @type {import ("./types.js").Standing} */
  standing = { isOnline: true, isBlind: false, heardAt: 0 };

  /** @param {string} url of the server, with a slash at its end @param {import ("./types.js").Outside} outside */
  constructor(url, outside) {
    this.url = url;
    this.outside = outside;
  }

  /** The server's time. */
  now() {
    return this.outside.now() + this.#skew;
  }

  /** @param {string} token */
  #find(token) {
    return [...this.#passes].find((pass) => pass.token === token || pass.origin === token);
  }

  /** @param {Follower} follower */
  hasRoom({ token, subjects }) {
    const count = [...this.#followers].reduce((sum, each) => sum + each.subjects.length, subjects.length);
    return count <= MAX_EACH && (this.#passes.size < MAX_EACH || !!this.#find(token));
  }

  /** @param {Follower} follower */
  join(follower) {
    const { token, refresh, subjects } = follower;
    /** @type {Pass} */
    const pass = this.#find(token) ?? { key: this.#freeKey(), token, origin: token, refresh, followers: new Set(), state: "", isTold: false, renewal: null };
    if (pass.state === "refused") pass.state = "";
    this.#passes.add(pass);
    pass.followers.add(follower);
    this.#followers.add(follower);
    this.#denied.clear();
    for (const subject of subjects) {
      const held = this.#rows.get(subject);
      if (held) follower.take(held.row, held.epoch);
    }
    this.#syncSoon();
  }

  /** @param {Follower} follower */
  leave(follower) {
    this.#followers.delete(follower);
    for (const pass of this.#passes) if (pass.followers.delete(follower) && !pass.followers.size) this.#passes.delete(pass);
    this.#syncSoon();
  }

  /** A key that is used again replaces its token: a page that swaps elements for hours needs few. */
  #freeKey() {
    const taken = new Set([...this.#passes].map(({ key }) => key));
    for (let n = 1; ; n += 1) if (!taken.has(`a${n}`)) return `a${n}`;
  }

  #syncSoon() {
    if (!this.#timers.has("sync")) this.#after("sync", TOGETHER_MS, () => this.#sync());
  }

  /** What is followed now, and by which tokens. */
  #wanted() {
    const passes = [...this.#passes].filter(({ state }) => !state);
    const named = passes.flatMap((pass) => [...pass.followers].flatMap((follower) => follower.subjects));
    return { passes, subjects: new Set(named.filter((subject) => !this.#denied.has(subject))) };
  }

  /** Tells the server of it. */
  #sync() {
    const { passes, subjects } = this.#wanted();
    for (const subject of this.#rows.keys()) if (![...this.#followers].some((each) => each.subjects.includes(subject))) this.#rows.delete(subject);
    const body = JSON.stringify({ tokens: Object.fromEntries(passes.map(({ key, token }) => [key, token])), subjects: [...subjects] });
    const isChanged = body !== this.#body;
    this.#body = body;
    if (!subjects.size) this.#drop();
    else if (!this.#line ? !this.#timers.has("retry") && !this.#timers.has("crowded") : this.#mode && isChanged) this.#start();
    else if (this.#isGreeted && !this.#mode) this.#tell(passes, subjects);
  }

  /** @param {Pass[]} passes @param {Set<string>} subjects */
  #tell(passes, subjects) {
    for (const pass of passes) {
      if (!pass.isTold) this.#send({ op: "token", key: pass.key, token: pass.token });
      pass.isTold = true;
    }
    const sent = this.#sent;
    if (!sent) return;
    const add = [...subjects].filter((subject) => !sent.has(subject));
    const remove = [...sent].filter((subject) => !subjects.has(subject));
    this.#sent = subjects;
    for (; remove.length; ) this.#send({ op: "subjects", view: 1, remove: remove.splice(0, MAX_TOLD) });
    for (; add.length; ) this.#send({ op: "subjects", view: 1, add: add.splice(0, MAX_TOLD) });
  }

  /** The tab was hidden or shown, or the network came or went. */
  wake() {
    const { isHidden, isOnline } = this.outside;
    if (this.standing.isOnline && !isOnline() && this.#line) this.#lost(1006);
    this.#set({ isOnline: isOnline() });
    if (isHidden()) {
      return this.#after("rest", REST_AFTER_MS, () => {
        this.#drop();
        this.#isResting = true;
      });
    }
    this.#clear("rest");
    if (this.#isResting || this.#timers.has("retry")) this.#start();
  }

  /** Lets go of the connection without a word. */
  #drop() {
    const line = this.#line;
    this.#line = null;
    this.#isGreeted = false;
    this.#sent = null;
    for (const purpose of [...this.#timers.keys()]) if (purpose !== "rest" && purpose !== "sync") this.#clear(purpose);
    line?.close();
  }

  #start() {
    this.#drop();
    if (!this.#wanted().subjects.size) return;
    this.#isResting = false;
    this.#refusal = "";
    this.#unacked = 0;
    for (const pass of this.#passes) pass.isTold = false;
    this.#listen(HELLO_MS);
    if (this.#mode) this.#ask();
    else this.#connect();
  }

  #connect() {
    /** @type {import ("./types.js").Socket} */
    let socket;
    try {
      socket = this.outside.connect(`${this.url.replace("http", "ws")}ws/v1/live`);
    } catch {
      return this.#lost(1006);
    }
    this.#line = socket;
    socket.onmessage = ({ data }) => this.#line === socket && this.#take(data);
    // What a policy forbids fails without being closed.
    socket.onerror = socket.onclose = ({ code = 1006 }) => this.#line === socket && this.#lost(code);
  }

  /** Streams or polls, as the mode is. */
  async #ask() {
    const abort = new AbortController();
    const line = (this.#line = { close: () => abort.abort() });
    const since = this.#epoch ? { epoch: this.#epoch, revision: this.#revision } : null;
    const way = {
      fetch: this.outside.fetch, url: `${this.url}embed/v1/`, isCurrent: () => this.#line === line,
      init: {
        method: "POST", credentials: "omit", signal: abort.signal, headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...JSON.parse(this.#body), since }),
      },
      take: (/** @type {string} */ text) => this.#take(text),
      told: (/** @type {any} */ { states, errors, epoch, revision }) => {
        this.#greet({ epoch });
        this.#apply(states, revision);
        for (const each of errors ?? []) this.#refused(each);
      },
    };
    const wait = await import("./ways.js").then(({ stream, poll }) => (this.#mode === 1 ? stream : poll)(way)).catch(() => -1);
    if (this.#line !== line) return;
    if (wait < 0 || (this.#mode === 1 && !this.#isGreeted)) return this.#lost(-wait);
    this.#clear("silence");
    if (this.outside.now() >= this.#socketAt) this.#mode = 0;
    const isOver = [...this.#followers].every((follower) => follower.isOver());
    if (this.#mode === 1 || !isOver) this.#after("retry", 1000 * Math.max(wait, 0), () => this.#start());
  }

  /** @param {string} text */
  #take(text) {
    this.#listen(SILENCE_MS);
    this.standing.heardAt = this.outside.now();
    if (!text) return;
    const frame = JSON.parse(text);
    this.#handle(frame);
    if (!this.#mode && this.#line) this.#acknowledge(frame.frame, text.length);
  }

  /** @param {any} frame */
  #handle(frame) {
    switch (frame.op) {
      case "hello": return this.#greet(frame);
      case "snapshot": return this.#apply(frame.rows, frame.revision);
      case "patch": return this.#apply(frame.upsert, frame.revision);
      case "token": return this.#accepted(frame);
      case "stream": return this.#set({ isBlind: frame.state === "blind" });
      case "error": return this.#refused(frame);
      case "bye": return this.#lost(1001, frame.reconnect_in_ms);
    }
  }

  /** @param {{epoch: string, server_time?: number}} hello */
  #greet({ epoch, server_time: at }) {
    if (at) this.#skew = at - this.outside.now();
    this.#epoch = epoch;
    this.#isGreeted = true;
    if (!this.#mode) this.#failures = 0;
    this.#after("steady", STEADY_MS, () => { this.#attempt = 0; });
    this.#set({ transport: TRANSPORTS[this.#mode] ?? null, isLost: false, retryAt: null, heardAt: this.outside.now() });
    if (!this.#mode) this.#sync();
  }

  /** @param {Row[]} rows @param {number} revision */
  #apply(rows, revision) {
    this.#revision = revision;
    for (const row of rows ?? []) {
      const subject = row.subject ?? "";
      if (!isNewer(this.#rows.get(subject), row, this.#epoch)) continue;
      this.#rows.set(subject, { row, epoch: this.#epoch });
      for (const { state, followers } of this.#passes) {
        if (state !== "refused") for (const follower of followers) if (follower.subjects.includes(subject)) follower.take(row, this.#epoch);
      }
    }
  }

  /** A token is renewed before it ends: a minute ahead, or a fifth of its life. @param {{key: string, expires_at: number}} frame */
  #accepted({ key, expires_at: end }) {
    // Before a first token nothing else is answered.
    if (!this.#sent) {
      this.#sent = new Set();
      this.#send({ op: "open", view: 1, of: "progress" });
      this.#sync();
    }
    const left = end - this.now();
    const pass = [...this.#passes].find((each) => each.key === key);
    if (!pass?.refresh) return;
    this.#after(`renew ${key}`, 1000 * Math.max(1, left - Math.min(60, left / 5)), () => {
      if (!isIdle(pass)) this.renew(pass);
    });
  }

  /** @param {{key?: string, subject?: string, view?: number, code: string, message: string, retry?: boolean}} frame */
  #refused({ key, subject, view, code, message, retry }) {
    if (key !== undefined) {
      const pass = [...this.#passes].find((each) => each.key === key);
      if (!pass || pass.state) return;
      for (const follower of pass.followers) for (const each of follower.subjects) this.#sent?.delete(each);
      if (code !== "token_expired") this.#refuse(pass, code, message);
      else if (isIdle(pass)) pass.state = "refused";
      else this.renew(pass);
    } else if (subject !== undefined) {
      this.#sent?.delete(subject);
      this.#after("sync", retry ? AGAIN_MS : 0, () => this.#sync());
      if (retry) return;
      this.#denied.add(subject);
      for (const pass of this.#passes) {
        if (!pass.state) for (const follower of pass.followers) if (follower.subjects.includes(subject)) follower.refuse(code, message);
      }
    } else if (view === undefined) this.#refusal = code;
    else this.#lost(1006);
  }

  /** @param {Pass} pass @param {string} code @param {string} message */
  #refuse(pass, code, message) {
    pass.state = "refused";
    for (const follower of pass.followers) follower.refuse(code, message);
  }

  /** Whether there is a fresh token in its place, once that is known. @param {Pass} pass @returns {Promise<boolean>} */
  renew(pass) {
    pass.renewal ??= this.#renew(pass).finally(() => { pass.renewal = null; });
    return pass.renewal;
  }

  /** @param {Pass} pass */
  async #renew(pass) {
    const [follower] = pass.followers;
    const { refresh } = pass;
    pass.state = "renewing";
    if (!refresh) return this.#refuse(pass, "token_expired", ""), false;
    const found = await import("./renew.js").then(({ renew }) => renew(this.outside, refresh, follower?.subjects ?? [], () => pass.followers.size > 0)).catch(() => null);
    const token = found?.token;
    if (token) {
      Object.assign(pass, { token, state: "", isTold: false });
      this.#denied.clear();
      this.#sync();
    } else if (found) this.#refuse(pass, "token_expired", found.detail);
    else this.outside.setTimeout(() => this.renew(pass), AGAIN_MS);
    return Boolean(token);
  }

  /** The token that a follower relies on. @param {Follower} follower */
  passOf(follower) {
    return [...this.#passes].find((pass) => pass.followers.has(follower));
  }

  /** @param {number|undefined} frame @param {number} length */
  #acknowledge(frame, length) {
    if (frame === undefined) return;
    this.#frame = frame;
    this.#unacked += 1;
    const isDue = this.#unacked >= ACK_FRAMES || length >= ACK_LENGTH;
    if (!isDue && this.#timers.has("ack")) return;
    this.#after("ack", isDue ? 0 : 1000, () => {
      this.#unacked = 0;
      this.#send({ op: "ack", frame: this.#frame });
    });
  }

  /** @param {object} message */
  #send(message) {
    if (this.#line?.readyState === 1) this.#line.send?.(JSON.stringify(message));
  }

  /** @param {number} ms */
  #listen(ms) {
    this.#after("silence", ms, () => this.#lost(1006));
  }

  /** @param {number} code @param {number} [delay] ms, as the server asks */
  #lost(code, delay) {
    const wasGreeted = this.#isGreeted;
    this.#drop();
    if (code >= 4500) {
      for (const pass of this.#passes) if (!pass.state) this.#refuse(pass, this.#refusal || "not_allowed", "");
      return;
    }
    let wait = delay;
    if (this.#mode === 0 && !wasGreeted && ++this.#failures >= MAX_FAILURES) {
      this.#socketAt = this.outside.now() + SOCKET_AGAIN_S;
      [this.#mode, wait] = [1, 0];
    } else if (this.#mode === 1 && !wasGreeted) [this.#mode, wait] = [2, 0];
    else if (this.#mode === 2) [this.#mode, this.#failures] = [0, MAX_FAILURES - 1];
    // Another way is tried at once, and counts for no attempt of its own.
    wait ??= code === CROWDED ? 60_000 : jitter(this.outside, this.#attempt++);
    this.#set({ isLost: true, retryAt: this.outside.now() + wait / 1000 });
    // Nobody who looks shortens the wait for a crowded server.
    this.#after(code === CROWDED ? "crowded" : "retry", wait, () => this.#start());
  }

  /** @param {string} purpose @param {number} ms @param {() => void} run */
  #after(purpose, ms, run) {
    this.#clear(purpose);
    this.#timers.set(purpose, this.outside.setTimeout(() => {
      this.#timers.delete(purpose);
      run();
    }, ms));
  }

  /** @param {string} purpose */
  #clear(purpose) {
    this.outside.clearTimeout(this.#timers.get(purpose));
    this.#timers.delete(purpose);
  }

  /** @param {Partial<import ("./types.js").Standing>} change */
  #set(change) {
    Object.assign(this.standing, change);
    for (const follower of this.#followers) follower.notice();
  }
}

/** Whether nobody needs this token any more. @param {Pass} pass */
const isIdle = ({ followers }) => [...followers].every((follower) => follower.isOver());

/** Anything up to a bound that doubles: a thousand pages must not come back at once. @type {(outside: {random: () => number}, attempt: number) => number} */
const jitter = ({ random }, attempt) => random() * Math.min(30_000, 500 * 2 ** attempt);
