import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { Feed } from "../../static/headway/feed.js";
import { FakeSocket, FakeTime } from "./fakes.js";

/** @typedef {import("../../static/headway/feed.js").Source} Source */

/** @type {FakeTime} */
let time;
/** @type {FakeSocket[]} */
let sockets;
let isHidden = false;
/** @type {Feed} */
let feed;

beforeEach(() => {
  time = new FakeTime();
  sockets = [];
  isHidden = false;
  feed = new Feed({
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    now: time.now,
    random: () => 0.5,
    setTimeout: time.setTimeout,
    clearTimeout: time.clearTimeout,
    isHidden: () => isHidden,
  });
});

/** @returns {FakeSocket} the newest */
const socket = () => /** @type {FakeSocket} */ (sockets.at(-1));

/**
 * @param {Record<string, unknown>} [spec]
 * @returns {Source & {received: any[], refused: any[], interruptions: number, at: any}}
 */
function source(spec = { of: "tasks", query: "" }) {
  const made = {
    /** @type {any[]} */ received: [],
    /** @type {any[]} */ refused: [],
    interruptions: 0,
    /** @type {any} */ at: null,
    spec: () => spec,
    cursor: () => made.at,
    receive: (/** @type {any} */ frame, /** @type {string} */ epoch) => made.received.push([frame.op, epoch]),
    refuse: (/** @type {any} */ refusal) => made.refused.push(refusal.code),
    interrupt: () => { made.interruptions += 1; },
  };
  return made;
}

function connect() {
  feed.start();
  socket().hello();
}

describe("opening", () => {
  test("a view is opened once the server has said hello", () => {
    feed.open(source());
    feed.start();
    assert.deepEqual(socket().sent, []);
    socket().hello();
    assert.deepEqual(socket().sent, [{ op: "open", view: 1, of: "tasks", query: "" }]);
  });

  test("a view that has a cursor asks to resume from it", () => {
    const list = source();
    list.at = { epoch: "e1", revision: 812 };
    feed.open(list);
    connect();
    assert.deepEqual(socket().heard("open")[0].since, { epoch: "e1", revision: 812 });
  });

  test("frames reach the source of their view, with the epoch of the connection", () => {
    const [list, workers] = [source(), source({ of: "workers" })];
    feed.open(list);
    feed.open(workers);
    connect();
    socket().say({ op: "patch", view: 2, revision: 3, upsert: [] });
    assert.deepEqual([list.received, workers.received], [[], [["patch", "e1"]]]);
  });

  test("a view that is opened again gets a new number, and late frames for the old one go nowhere", () => {
    const list = source();
    feed.open(list);
    connect();
    feed.reopen(list);
    assert.deepEqual(socket().sent.map(({ op, view }) => [op, view]), [["open", 1], ["close", 1], ["open", 2]]);
    socket().say({ op: "patch", view: 1, revision: 3 });
    assert.deepEqual(list.received, []);
  });
});

describe("acknowledging", () => {
  test("the eighth frame is acknowledged at once", () => {
    connect();
    for (let i = 0; i < 7; i++) socket().say({ op: "stream", state: "live", lag_ms: 1 });
    assert.deepEqual(socket().heard("ack"), [{ op: "ack", frame: 8 }]);
  });

  test("32 KB are acknowledged at once", () => {
    connect();
    socket().say({ op: "patch", view: 9, revision: 1, upsert: ["x".repeat(33_000)] });
    assert.deepEqual(socket().heard("ack"), [{ op: "ack", frame: 2 }]);
  });

  test("a lone frame is acknowledged after a second, and only once", () => {
    connect();
    time.pass(999);
    assert.deepEqual(socket().heard("ack"), []);
    time.pass(1);
    assert.deepEqual(socket().heard("ack"), [{ op: "ack", frame: 1 }]);
    time.pass(5000);
    assert.equal(socket().heard("ack").length, 1);
  });
});

describe("coming back", () => {
  test("waits half a second at most, then twice as long, and never more than half a minute", () => {
    feed.start();
    const waits = [];
    for (let i = 0; i < 9; i++) {
      socket().drop(1006);
      const wait = Math.round(((feed.status.retryAt ?? 0) - time.now()) * 1000);
      waits.push(wait);
      time.pass(wait);
    }
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  test("a connection that held shows that the server is well", () => {
    connect();
    socket().drop(1006);
    time.pass(30_000);
    socket().hello();
    time.pass(10_000);
    socket().drop(1006);
    assert.equal(Math.round(((feed.status.retryAt ?? 0) - time.now()) * 1000), 250);
  });

  test("every view is resumed from where it stands", () => {
    const list = source();
    feed.open(list);
    connect();
    list.at = { epoch: "e1", revision: 20 };
    socket().drop(1012);
    time.pass(30_000);
    socket().hello();
    assert.equal(list.interruptions, 1);
    assert.deepEqual(socket().sent, [{ op: "open", view: 2, of: "tasks", query: "", since: { epoch: "e1", revision: 20 } }]);
  });

  test("happens at once when the tab is shown or the network is back", () => {
    connect();
    socket().drop(1006);
    feed.wake();
    assert.equal(sockets.length, 2);
  });

  test("happens when the server asked for it", () => {
    connect();
    socket().say({ op: "bye", reconnect_in_ms: 1840 });
    assert.equal(socket().isClosed, true);
    time.pass(1839);
    assert.equal(sockets.length, 1);
    time.pass(1);
    assert.equal(sockets.length, 2);
  });

  test("takes a minute after too many sockets, whatever the tab does", () => {
    connect();
    socket().drop(4405);
    feed.wake();
    time.pass(59_999);
    assert.equal(sockets.length, 1);
    time.pass(1);
    assert.equal(sockets.length, 2);
  });

  test("a socket that has been silent for 20 s is given up", () => {
    connect();
    const silent = socket();
    time.pass(20_000);
    assert.equal(silent.isClosed, true);
    assert.equal(feed.status.phase, "waiting");
  });

  for (const [code, reason] of /** @type {[number, string][]} */ ([[4503, "not_allowed"], [4504, "no_right"], [4500, "stopped"], [4999, "stopped"]])) {
    test(`never happens after ${code}`, () => {
      connect();
      socket().drop(code);
      feed.wake();
      time.pass(3_600_000);
      assert.equal(sockets.length, 1);
      assert.deepEqual([feed.status.phase, feed.status.reason], ["stopped", reason]);
    });
  }

  test("a refusal without a view tells why the door is closed", () => {
    connect();
    socket().say({ op: "error", code: "blocked", message: "This address is blocked." });
    socket().drop(4510);
    assert.equal(feed.status.reason, "This address is blocked.");
  });
});

describe("a refused view", () => {
  test("is told to its source and not opened again", () => {
    const list = source();
    feed.open(list);
    connect();
    socket().say({ op: "error", view: 1, code: "bad_query", message: "no", at: 3, retry: false });
    socket().drop(1006);
    time.pass(30_000);
    socket().hello();
    assert.deepEqual(list.refused, ["bad_query"]);
    assert.deepEqual(socket().heard("open"), []);
  });

  test("is opened again where the server says that it may be", () => {
    feed.open(source());
    connect();
    socket().say({ op: "error", view: 1, code: "busy", message: "later", retry: true });
    assert.equal(socket().heard("open").length, 1);
    time.pass(30_000 / 2);
    assert.equal(socket().heard("open").length, 2);
  });
});

describe("a hidden tab", () => {
  test("closes its views after a minute and resumes them when it is shown", () => {
    const list = source();
    feed.open(list);
    connect();
    list.at = { epoch: "e1", revision: 7 };
    isHidden = true;
    feed.wake();
    for (let i = 0; i < 6; i++) {
      time.pass(9_999);
      socket().say({ op: "stream", state: "live", lag_ms: 1 });
    }
    assert.deepEqual(socket().heard("close"), []);
    time.pass(10);
    assert.deepEqual(socket().heard("close"), [{ op: "close", view: 1 }]);
    isHidden = false;
    feed.wake();
    assert.deepEqual(socket().heard("open").at(-1).since, { epoch: "e1", revision: 7 });
  });

  test("that is shown again within a minute has missed nothing", () => {
    feed.open(source());
    connect();
    isHidden = true;
    feed.wake();
    isHidden = false;
    feed.wake();
    for (let i = 0; i < 8; i++) {
      time.pass(10_000);
      socket().say({ op: "stream", state: "live", lag_ms: 1 });
    }
    assert.deepEqual(socket().heard("close"), []);
  });

  test("opens nothing while it rests, even on a new connection", () => {
    feed.open(source());
    connect();
    isHidden = true;
    feed.wake();
    time.pass(60_000);
    socket().drop(1006);
    time.pass(30_000);
    socket().hello();
    assert.deepEqual(socket().heard("open"), []);
  });
});
