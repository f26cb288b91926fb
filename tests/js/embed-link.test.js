import assert from "node:assert/strict";
import { test } from "node:test";

import { Link } from "../../static/headway/embed/link.js";
import { FakeSocket, FakeTime } from "./fakes.js";

/** @typedef {import("../../static/headway/embed/types.js").Row} Row */

/** Lets what waits for an answer go on. */
const settled = async () => { for (let n = 0; n < 5; n += 1) await new Promise(setImmediate); };

// Fetched when they are needed, which would take its time in the tests.
await Promise.all(["renew", "ways"].map((name) => import(`../../static/headway/embed/${name}.js`)));

class World {
  time = new FakeTime();
  /** @type {FakeSocket[]} */
  sockets = [];
  /** @type {{url: string, init: any}[]} */
  asked = [];
  isHidden = false;
  isOnline = true;
  /** @type {(url: string, init: any) => any} */
  answer = () => { throw new TypeError("no network"); };

  link = new Link("https://host/headway/", {
    connect: (url) => {
      assert.equal(url, "wss://host/headway/ws/v1/live");
      const socket = new FakeSocket();
      this.sockets.push(socket);
      return socket;
    },
    fetch: async (url, init) => {
      this.asked.push({ url, init });
      return this.answer(url, init);
    },
    now: this.time.now,
    random: () => 0.5,
    setTimeout: this.time.setTimeout,
    clearTimeout: (timer) => timer !== undefined && this.time.clearTimeout(timer),
    isHidden: () => this.isHidden,
    isOnline: () => this.isOnline,
    csrf: () => "c5rf",
  });

  get socket() {
    const last = this.sockets.at(-1);
    assert.ok(last);
    return last;
  }

  /** The server says hello, and takes every token that it is given. */
  greet() {
    this.socket.hello();
    for (const { key } of this.socket.heard("token")) this.socket.say({ op: "token", key, expires_at: this.time.now() + 900, subjects: 1 });
  }

  /** @param {string[]} subjects @param {{token?: string, refresh?: string|null}} [more] */
  follow(subjects, { token = `token of ${subjects}`, refresh = null } = {}) {
    /** @type {{rows: Row[], refusals: string[], isEnd: boolean}} */
    const told = { rows: [], refusals: [], isEnd: false };
    const follower = {
      subjects, token, refresh,
      take: (/** @type {Row} */ row) => told.rows.push(row),
      notice: () => {},
      refuse: (/** @type {string} */ code, /** @type {string} */ message) => told.refusals.push(message || code),
      isOver: () => told.isEnd,
    };
    this.link.join(follower);
    this.time.pass(20);
    return Object.assign(told, { follower });
  }
}

/** @param {object} body @param {number} [status] */
const json = (body, status = 200) => ({ ok: status < 400, status, json: async () => body, headers: new Headers() });

/** @param {string} subject @param {Partial<Row>} [fields] */
const row = (subject, fields = {}) => ({ subject, status: "running", revision: 1, ...fields });

test("nothing is asked for before a token was taken", () => {
  const world = new World();
  world.follow(["task:a"]);
  world.socket.hello();
  assert.deepEqual(world.socket.sent.map(({ op }) => op), ["token"]);
  world.socket.say({ op: "token", key: "a1", expires_at: world.time.now() + 900, subjects: 1 });
  assert.deepEqual(world.socket.sent.map(({ op }) => op), ["token", "open", "subjects"]);
});

test("two hundred elements share one socket and one view", () => {
  const world = new World();
  for (let n = 0; n < 200; n += 1) world.follow([`task:${n}`]);
  assert.equal(world.sockets.length, 1);
  world.greet();
  assert.equal(world.socket.heard("open").length, 1);
  assert.equal(world.socket.heard("token").length, 200);
  const added = world.socket.heard("subjects").flatMap((frame) => frame.add);
  assert.deepEqual(added, Array.from({ length: 200 }, (_, n) => `task:${n}`));
});

test("five hundred of each is what one link takes", () => {
  const world = new World();
  for (let n = 0; n < 500; n += 1) world.link.join(world.follow([`task:${n}`]).follower);
  assert.equal(world.link.hasRoom({ .../** @type {any} */ ({}), token: "new", subjects: ["task:x"] }), false);
  assert.ok(JSON.stringify(world.follow(["task:1"]).follower.subjects));
});

test("no frame is larger than the server takes, however long the ids", () => {
  const world = new World();
  const long = Array.from({ length: 500 }, (_, n) => `task:${String(n).padStart(255, "x")}`);
  world.follow(long, { token: "t" });
  world.greet();
  for (const frame of world.socket.sent) assert.ok(JSON.stringify(frame).length <= 16 * 1024);
  assert.equal(world.socket.heard("subjects").flatMap((frame) => frame.add).length, 500);
});

test("a row reaches those who follow it, and one who comes later at once", () => {
  const world = new World();
  const first = world.follow(["task:a"]);
  world.greet();
  world.socket.say({ op: "snapshot", view: 1, revision: 1, rows: [row("task:a"), row("task:b")] });
  world.socket.say({ op: "patch", view: 1, revision: 2, upsert: [row("task:a", { revision: 2 })], remove: [] });
  assert.deepEqual(first.rows.map(({ revision }) => revision), [1, 2]);
  assert.deepEqual(world.follow(["task:a"]).rows.map(({ revision }) => revision), [2]);
});

test("an element that takes the place of another costs nothing but its token", () => {
  const world = new World();
  const first = world.follow(["task:a"], { token: "old" });
  world.greet();
  world.link.leave(first.follower);
  world.follow(["task:a"], { token: "new" });
  assert.deepEqual(world.socket.heard("token").map(({ key, token }) => [key, token]), [["a1", "old"], ["a1", "new"]]);
  assert.deepEqual(world.socket.heard("subjects").map(({ add, remove }) => add ?? remove), [["task:a"]]);
});

test("the last element that goes takes the socket along", () => {
  const world = new World();
  const { follower } = world.follow(["task:a"]);
  world.greet();
  world.link.leave(follower);
  world.time.pass(20);
  assert.ok(world.socket.isClosed);
  world.time.pass(600_000);
  assert.equal(world.sockets.length, 1);
});

test("frames are acknowledged after eight, or a second", () => {
  const world = new World();
  world.follow(["task:a"]);
  world.greet();
  world.time.pass(1000);
  assert.deepEqual(world.socket.heard("ack").map(({ frame }) => frame), [2]);
  for (let n = 0; n < 8; n += 1) world.socket.say({ op: "stream", state: "live" });
  world.time.pass(0);
  assert.deepEqual(world.socket.heard("ack").map(({ frame }) => frame), [2, 10]);
});

test("a lost socket comes back with a delay that grows, at once when somebody looks", () => {
  const world = new World();
  world.follow(["task:a"]);
  world.greet();
  world.socket.drop(1006);
  assert.equal(world.link.standing.isLost, true);
  world.time.pass(249);
  assert.equal(world.sockets.length, 1);
  world.time.pass(1);
  assert.equal(world.sockets.length, 2);
  world.greet();
  assert.equal(world.link.standing.isLost, false);
  world.socket.drop(1006);
  world.link.wake();
  assert.equal(world.sockets.length, 3);
});

test("a server that stops says when to come back", () => {
  const world = new World();
  world.follow(["task:a"]);
  world.greet();
  world.socket.say({ op: "bye", reconnect_in_ms: 1840 });
  assert.equal(world.link.standing.retryAt, world.time.now() + 1.84);
  world.time.pass(1840);
  assert.equal(world.sockets.length, 2);
});

test("a socket that fell silent, as after sleep, is given up", () => {
  const world = new World();
  world.follow(["task:a"]);
  world.greet();
  world.time.pass(20_000);
  assert.equal(world.link.standing.isLost, true);
  assert.ok(world.sockets[0]?.isClosed);
});

test("a network that went away is noticed at once, and its return used", () => {
  const world = new World();
  world.follow(["task:a"]);
  world.greet();
  world.isOnline = false;
  world.link.wake();
  assert.deepEqual([world.link.standing.isLost, world.link.standing.isOnline], [true, false]);
  world.isOnline = true;
  world.link.wake();
  assert.equal(world.sockets.length, 2);
});

test("a tab hidden for a minute lets go, and comes back when it is shown", () => {
  const world = new World();
  world.follow(["task:a"]);
  world.greet();
  world.isHidden = true;
  world.link.wake();
  for (let n = 0; n < 60; n += 1) {
    world.time.pass(1000);
    if (!world.socket.isClosed) world.socket.say({ op: "stream", state: "live" });
  }
  assert.ok(world.socket.isClosed);
  world.time.pass(600_000);
  assert.equal(world.sockets.length, 1);
  world.isHidden = false;
  world.link.wake();
  assert.equal(world.sockets.length, 2);
});

test("codes from 4500 on mean not to come back, and everybody is told why", () => {
  const world = new World();
  const told = world.follow(["task:a"]);
  world.greet();
  world.socket.say({ op: "error", code: "origin_not_allowed", message: "No." });
  world.socket.drop(4503);
  world.time.pass(600_000);
  assert.deepEqual(told.refusals, ["origin_not_allowed"]);
  assert.equal(world.sockets.length, 1);
});

test("a crowded server is asked again after a minute, even by one who looks", () => {
  const world = new World();
  world.follow(["task:a"]);
  world.greet();
  world.socket.drop(4405);
  world.link.wake();
  world.follow(["task:b"]);
  world.time.pass(59_900);
  assert.equal(world.sockets.length, 1);
  world.time.pass(1000);
  assert.equal(world.sockets.length, 2);
});

test("an expired token is renewed, and its subjects asked for again", async () => {
  const world = new World();
  world.follow(["task:a"], { token: "old", refresh: "/refresh/" });
  world.follow(["task:b"]);
  world.answer = () => json({ token: "fresh" });
  world.greet();
  world.socket.say({ op: "error", key: "a1", code: "token_expired", message: "Old." });
  await settled();
  const { url, init } = world.asked[0] ?? assert.fail();
  assert.equal(url, "/refresh/");
  assert.deepEqual([init.method, init.credentials, init.headers["X-CSRFToken"], init.body], ["POST", "same-origin", "c5rf", '{"id":"a","ids":["a"]}']);
  assert.deepEqual(world.socket.heard("token").at(-1), { op: "token", key: "a1", token: "fresh" });
  assert.deepEqual(world.socket.heard("subjects").at(-1), { op: "subjects", view: 1, add: ["task:a"] });
});

test("a token is renewed before it ends, with no gap", async () => {
  const world = new World();
  world.follow(["task:a"], { refresh: "/refresh/" });
  world.answer = () => json({ token: "fresh" });
  world.greet();
  world.socket.say({ op: "token", key: "a1", expires_at: world.time.now() + 900, subjects: 1 });
  for (let n = 0; n < 839; n += 1) {
    world.time.pass(1000);
    world.socket.say({ op: "stream", state: "live" });
  }
  assert.equal(world.asked.length, 0);
  world.time.pass(2000);
  await settled();
  assert.equal(world.asked.length, 1);
  assert.equal(world.socket.heard("token").at(-1)?.token, "fresh");
  assert.equal(world.socket.heard("subjects").length, 1);
});

test("a refresh that is refused stops with its sentence", async () => {
  for (const status of [401, 403, 410]) {
    const world = new World();
    const told = world.follow(["task:a"], { refresh: "/refresh/" });
    world.answer = () => json({ detail: "Sign in again." }, status);
    world.greet();
    world.socket.say({ op: "error", key: "a1", code: "token_expired", message: "Old." });
    await settled();
    assert.deepEqual(told.refusals, ["Sign in again."]);
    world.time.pass(600_000);
    await settled();
    assert.equal(world.asked.length, 1);
  }
});

test("a refresh that found no server asks again as soon as the network is back", async () => {
  const world = new World();
  world.follow(["task:a"], { refresh: "/refresh/" });
  world.greet();
  const events = new EventTarget();
  globalThis.addEventListener = events.addEventListener.bind(events);
  try {
    world.socket.say({ op: "error", key: "a1", code: "token_expired", message: "Old." });
    await settled();
    assert.equal(world.asked.length, 1);
    world.answer = () => json({ token: "fresh" });
    events.dispatchEvent(new Event("online"));
    await settled();
    assert.equal(world.asked.length, 2);
    assert.equal(world.socket.heard("token").at(-1)?.token, "fresh");
  } finally {
    Reflect.deleteProperty(globalThis, "addEventListener");
  }
});

test("another way that is tried at once makes no wait longer", async () => {
  const world = new World();
  world.follow(["task:a"]);
  for (let n = 0; n < 3; n += 1) {
    world.socket.drop(1006);
    world.time.pass(2000);
    await settled();
  }
  world.time.pass(0);
  await settled();
  assert.deepEqual(world.asked.map(({ url }) => url.split("/").at(-1)), ["stream", "states"]);
  // The third wait of all, as after three sockets: half of 500 ms, doubled twice.
  world.time.pass(999);
  assert.equal(world.sockets.length, 3);
  world.time.pass(1);
  assert.equal(world.sockets.length, 4);
});

test("a refresh that finds no server asks again", async () => {
  const world = new World();
  world.follow(["task:a"], { refresh: "/refresh/" });
  world.greet();
  world.socket.say({ op: "error", key: "a1", code: "token_expired", message: "Old." });
  await settled();
  world.answer = () => json({ token: "fresh" });
  world.time.pass(1250);
  await settled();
  assert.equal(world.asked.length, 2);
  assert.equal(world.socket.heard("token").at(-1)?.token, "fresh");
});

test("a token that nobody needs any more ends without a word", async () => {
  const world = new World();
  const told = world.follow(["task:a"], { refresh: "/refresh/" });
  told.isEnd = true;
  world.greet();
  world.socket.say({ op: "error", key: "a1", code: "token_expired", message: "Old." });
  await settled();
  assert.deepEqual([world.asked.length, told.refusals.length], [0, 0]);
});

test("a bad token stops its own elements alone", () => {
  const world = new World();
  const [bad, good] = [world.follow(["task:a"]), world.follow(["task:b"])];
  world.greet();
  world.socket.say({ op: "error", key: "a1", code: "bad_token", message: "No." });
  world.socket.say({ op: "error", view: 1, subject: "task:a", code: "not_allowed", message: "No." });
  assert.deepEqual([bad.refusals, good.refusals], [["No."], []]);
  world.socket.say({ op: "patch", view: 1, revision: 2, upsert: [row("task:a"), row("task:b")], remove: [] });
  assert.deepEqual([bad.rows.length, good.rows.length], [0, 1]);
});

/** @param {World} world */
const blockSockets = async (world) => {
  for (let n = 0; n < 3; n += 1) {
    world.socket.drop(1006);
    world.time.pass(2000);
    await settled();
  }
};

/** @param {object[]} frames */
const streamOf = (...frames) => ({
  ok: true, status: 200,
  body: new ReadableStream({ start: (all) => {
    all.enqueue(new TextEncoder().encode(frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join("")));
    all.close();
  } }),
});

const DENIED = { code: "not_allowed", message: "No." };

test("what no token opens is not polled for again, and what one opens goes on", async () => {
  const world = new World();
  const [denied, open] = [world.follow(["task:a"]), world.follow(["task:b"])];
  world.answer = (url) => {
    if (url.endsWith("stream")) throw new TypeError("cut");
    const { subjects } = JSON.parse(world.asked.at(-1)?.init.body);
    const errors = subjects.includes("task:a") ? [{ subject: "task:a", ...DENIED }] : [];
    return json({ states: [row("task:b")], errors, epoch: "e1", revision: 5 });
  };
  await blockSockets(world);
  const bodies = () => world.asked.filter(({ url }) => url.endsWith("states")).map(({ init }) => JSON.parse(init.body).subjects);
  for (let n = 0; n < 5; n += 1) { world.time.pass(2000); await settled(); }
  assert.deepEqual(bodies().slice(0, 3), [["task:a", "task:b"], ["task:b"], ["task:b"]]);
  assert.deepEqual([denied.refusals, open.refusals], [["No."], []]);
  world.link.leave(open.follower);
  world.time.pass(20);
  await settled();
  const count = world.asked.length;
  for (let n = 0; n < 60; n += 1) { world.time.pass(10_000); world.link.wake(); await settled(); }
  assert.deepEqual([world.asked.length, world.sockets.length], [count, 3]);
});

test("a stream of which no token opens anything is not asked for again", async () => {
  const world = new World();
  const told = world.follow(["task:a"]);
  world.answer = () => streamOf({ op: "hello", epoch: "e1" }, { op: "error", view: 1, subject: "task:a", ...DENIED });
  await blockSockets(world);
  for (let n = 0; n < 20; n += 1) { world.time.pass(10_000); await settled(); }
  assert.deepEqual([world.asked.length, world.sockets.length, told.refusals], [1, 3, ["No."]]);
  world.link.leave(told.follower);
  world.follow(["task:a"], { token: "another" });
  await settled();
  assert.deepEqual(JSON.parse(world.asked.at(-1)?.init.body), { tokens: { a1: "another" }, subjects: ["task:a"], since: { epoch: "e1", revision: 0 } });
});

test("a socket of which no token opens anything is let go, and not made again", () => {
  const world = new World();
  const told = world.follow(["task:a"]);
  world.greet();
  world.socket.say({ op: "error", view: 1, subject: "task:a", ...DENIED });
  world.time.pass(20);
  assert.deepEqual([world.socket.readyState, told.refusals], [3, ["No."]]);
  for (let n = 0; n < 20; n += 1) { world.time.pass(10_000); world.link.wake(); }
  assert.equal(world.sockets.length, 1);
});

test("a page of an origin that may not ask is told so, and asks no more", async () => {
  const world = new World();
  const told = world.follow(["task:a"]);
  world.answer = () => json({ code: "origin_not_allowed" }, 403);
  await blockSockets(world);
  for (let n = 0; n < 100; n += 1) { world.time.pass(1000); await settled(); }
  assert.deepEqual([world.asked.length, world.sockets.length, told.refusals], [2, 3, ["not_allowed"]]);
});

test("what was asked for too fast is asked for again", () => {
  const world = new World();
  const told = world.follow(["task:a"]);
  world.greet();
  world.socket.say({ op: "error", view: 1, subject: "task:a", code: "too_fast", message: "Slow down.", retry: true });
  world.time.pass(5000);
  assert.deepEqual(world.socket.heard("subjects").map(({ add }) => add), [["task:a"], ["task:a"]]);
  assert.deepEqual(told.refusals, []);
});

test("when sockets never open the page streams, and when that fails it polls", async () => {
  const world = new World();
  const told = world.follow(["task:a"]);
  for (let n = 0; n < 3; n += 1) {
    world.socket.drop(1006);
    world.time.pass(2000);
    await settled();
  }
  assert.equal(world.sockets.length, 3);
  assert.deepEqual(world.asked.map(({ url }) => url), ["https://host/headway/embed/v1/stream"]);
  world.answer = () => json({ states: [row("task:a")], errors: [], epoch: "e1", revision: 5 });
  world.time.pass(0);
  await settled();
  assert.equal(world.asked.at(-1)?.url, "https://host/headway/embed/v1/states");
  assert.deepEqual(JSON.parse(world.asked.at(-1)?.init.body), { tokens: { a1: "token of task:a" }, subjects: ["task:a"], since: null });
  assert.equal(world.link.standing.transport, "polling");
  assert.equal(told.rows.length, 1);
  world.time.pass(2000);
  await settled();
  assert.equal(world.asked.length, 3);
  assert.deepEqual(JSON.parse(world.asked.at(-1)?.init.body).since, { epoch: "e1", revision: 5 });
});

test("a stream is read event by event, however it is cut, and asked for again when it ends", async () => {
  const world = new World();
  const told = world.follow(["task:a"]);
  const frames = [{ op: "hello", epoch: "e1" }, { op: "patch", view: 1, revision: 3, upsert: [row("task:a", { label: "Ä" })], remove: [] }];
  const bytes = new TextEncoder().encode(`: still here\n\n${frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join("")}`);
  world.answer = () => ({ ok: true, status: 200, body: new ReadableStream({ start: (all) => { for (const byte of bytes) all.enqueue(Uint8Array.of(byte)); all.close(); } }) });
  for (let n = 0; n < 3; n += 1) {
    world.socket.drop(1006);
    world.time.pass(1000);
  }
  while (!world.link.standing.transport || !told.rows.length) await new Promise(setImmediate);
  assert.equal(world.link.standing.transport, "stream");
  assert.equal(told.rows[0]?.label, "Ä");
  await settled();
  world.time.pass(1000);
  await settled();
  assert.equal(world.asked.length, 2);
});

test("an element that comes while the connection is away is asked for with the next one", async () => {
  const world = new World();
  world.answer = () => json({ states: [], errors: [], epoch: "e1", revision: 5 });
  world.follow(["task:a"]);
  for (let n = 0; n < 4; n += 1) {
    if (n < 3) world.socket.drop(1006);
    world.time.pass(1000);
    await settled();
  }
  world.follow(["task:b"]);
  await settled();
  assert.deepEqual(JSON.parse(world.asked.at(-1)?.init.body).subjects, ["task:a", "task:b"]);
});

test("a server that is gone altogether is asked for by socket again", async () => {
  const world = new World();
  world.follow(["task:a"]);
  for (let n = 0; n < 3; n += 1) {
    world.socket.drop(1006);
    world.time.pass(1000);
    await settled();
  }
  for (let n = 0; n < 10; n += 1) {
    world.time.pass(10_000);
    await settled();
  }
  assert.ok(world.sockets.length > 3);
  assert.equal(world.link.standing.isLost, true);
});

/** A page whose sockets fail, with a stream of this text; broken in its middle or ended. @param {string} text @param {boolean} isBroken */
async function streaming(text, isBroken) {
  const world = new World();
  world.follow(["task:a"]);
  let isRead = false;
  const pull = (/** @type {any} */ all) => {
    if (isRead) return isBroken ? all.error(new TypeError("reset")) : all.close();
    isRead = true;
    all.enqueue(new TextEncoder().encode(text));
  };
  world.answer = (url) => {
    isRead = false;
    return url.endsWith("stream") ? { ok: true, status: 200, body: new ReadableStream({ pull }) } : json({ states: [], errors: [], epoch: "e1", revision: 5 });
  };
  for (let n = 0; n < 3; n += 1) {
    world.socket.drop(1006);
    world.time.pass(1000);
  }
  for (let n = 0; n < 5; n += 1) await settled();
  return world;
}

test("a stream that is cut off again and again is not asked for as fast as it is cut", async () => {
  const world = await streaming('data: {"op":"hello","epoch":"e1"}\n\n', true);
  assert.equal(world.asked.length, 1);
  world.time.pass(0);
  await settled();
  assert.equal(world.asked.length, 1);
  world.time.pass(5000);
  await settled();
  assert.equal(world.asked.length, 2);
});

test("a server that refuses to stream is polled", async () => {
  const world = await streaming('data: {"op":"error","frame":1,"code":"too_many_sockets","message":"Too many.","retry":true}\n\n', false);
  world.time.pass(0);
  await settled();
  assert.deepEqual(world.asked.map(({ url }) => url.split("/").at(-1)), ["stream", "states"]);
  assert.equal(world.link.standing.transport, "polling");
});

test("a token that is over as soon as it is given is asked for a few times a minute, not as fast as it ends", async () => {
  const world = new World();
  world.follow(["task:a"], { refresh: "/refresh/" });
  world.answer = () => json({ token: `over ${world.asked.length}` });
  world.greet();
  for (let n = 0; n < 60; n += 1) {
    world.socket.say({ op: "error", key: "a1", code: "token_expired", message: "Old." });
    await settled();
    world.time.pass(1000);
    await settled();
  }
  assert.ok(world.asked.length > 5 && world.asked.length <= 13, String(world.asked.length));
});

test("the token against forged requests goes to the page's own server alone", async () => {
  const world = new World();
  world.follow(["task:a"], { refresh: "https://elsewhere/refresh/" });
  world.answer = () => json({ token: "fresh" });
  world.greet();
  world.socket.say({ op: "error", key: "a1", code: "token_expired", message: "Old." });
  await settled();
  assert.equal(world.asked[0]?.init.mode, "same-origin");
});
