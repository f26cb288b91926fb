import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { TaskList } from "../../static/headway/list.js";
import { Store } from "../../static/headway/store.js";
import { task } from "./fakes.js";

/** @typedef {import("../../static/headway/types.js").TaskRow} TaskRow */

/** @type {Store<TaskRow>} */
let live;
/** @type {TaskList} */
let list;
let isHeld = false;
let revision = 0;

/** @param {string} id */
const seenAt = (id) => id.charCodeAt(0);

/** @param {string} id @param {Partial<TaskRow>} [fields] */
const row = (id, fields = {}) => task(id, { first_seen_at: seenAt(id), revision: ++revision, ...fields });

beforeEach(() => {
  isHeld = false;
  live = new Store((item) => item.id);
  live.seed({ epoch: "e1", revision: 1, rows: [row("a"), row("b"), row("c")] });
  list = new TaskList(live, 3);
  const before = new Map(live.values().map((item) => [item.id, item]));
  live.listen(({ changed, removed }) => {
    const gone = new Map([...removed].map((id) => [id, /** @type {TaskRow} */ (before.get(id))]));
    for (const id of changed) before.set(id, /** @type {TaskRow} */ (live.get(id)));
    list.update({ changed, removed: gone });
    if (list.isStale && !isHeld) list.show();
  });
});

/** @param {{upsert?: TaskRow[], remove?: string[]}} fields */
const patch = (fields) => live.patch({ op: "patch", view: 1, frame: 1, revision: ++revision, ...fields }, "e1");

const shown = () => list.shown.join("");

test("the rows are shown newest first", () => {
  assert.equal(shown(), "cba");
});

describe("a list that nobody looks at closely", () => {
  test("takes a new row in at its place", () => {
    patch({ upsert: [row("d")] });
    assert.deepEqual([shown(), list.pending.size], ["dcba", 0]);
  });

  test("lets the row go that newer ones pushed out of the window", () => {
    patch({ upsert: [row("d")], remove: ["a"] });
    assert.equal(shown(), "dcb");
  });

  test("keeps a row that no longer matches, as it was, while there is room", () => {
    patch({ remove: ["b"] });
    assert.deepEqual([shown(), list.isLive("b"), list.row("b")?.id], ["cba", false, "b"]);
  });

  test("does not grow without bound by rows that no longer match", () => {
    for (const id of "defghijk") {
      patch({ upsert: [row(id)] });
      patch({ remove: [id] });
    }
    assert.ok(shown().length <= 6, shown());
  });
});

test("what changed is shown when it is asked for, all at once", () => {
  isHeld = true;
  patch({ upsert: [row("d")], remove: ["a"] });
  patch({ upsert: [row("e")], remove: ["b"] });
  assert.deepEqual([shown(), list.isStale], ["cba", true]);
  list.show();
  assert.deepEqual([shown(), list.isStale], ["edc", false]);
});

test("a row that only changes leaves the list as it is", () => {
  isHeld = true;
  patch({ upsert: [row("b", { status: "running" })] });
  assert.equal(list.isStale, false);
});

describe("a list that is held", () => {
  beforeEach(() => { isHeld = true; });

  test("lets new rows wait, and the others change in place", () => {
    patch({ upsert: [row("d"), row("b", { status: "running" })] });
    assert.deepEqual([shown(), [...list.pending], list.row("b")?.status], ["cba", ["d"], "running"]);
  });

  test("forgets a waiting row that is gone before it was shown", () => {
    patch({ upsert: [row("d")] });
    patch({ remove: ["d"] });
    assert.equal(list.pending.size, 0);
  });

  test("keeps every row in its place, whatever leaves the window", () => {
    patch({ remove: ["a", "b", "c"], upsert: [row("d"), row("e"), row("f")] });
    assert.deepEqual([shown(), list.pending.size], ["cba", 3]);
  });

  test("shows what is true when it is refreshed", () => {
    patch({ remove: ["a"], upsert: [row("d")] });
    list.refresh();
    assert.deepEqual([shown(), list.pending.size], ["dcb", 0]);
  });
});

describe("older pages", () => {
  /** @param {string} id @param {number} at */
  const old = (id, at) => row(id, { first_seen_at: at });

  test("go below, and a row that is there already is not doubled", () => {
    list.append([row("a"), old("y", 50), old("x", 40)]);
    assert.equal(shown(), "cbayx");
  });

  test("that overlap with newer rows bring in nothing above the last one", () => {
    list.append([row("z", { first_seen_at: seenAt("b") + 0.5 }), old("y", 50)]);
    assert.equal(shown(), "cbay");
  });

  test("stay when new rows come in", () => {
    list.append([old("y", 50), old("x", 40)]);
    patch({ upsert: [row("d")], remove: ["a"] });
    assert.equal(shown(), "dcbayx");
  });

  test("are kept true, and never taken back to an older state", () => {
    list.append([old("y", 50)]);
    assert.equal(list.keep(old("y", 50)), true);
    assert.equal(list.keep(task("y", { revision: 1 })), false);
  });

  test("are dropped by a refresh", () => {
    list.append([old("y", 50)]);
    list.refresh();
    assert.equal(shown(), "cba");
  });
});

test("the live window's word on a row counts more than what was read of it", () => {
  assert.equal(list.keep(row("a", { status: "running" })), false);
  assert.equal(list.row("a")?.status, "queued");
});

test("the place of a row is where it is shown", () => {
  assert.deepEqual([list.place("c"), list.place("a"), list.place("nobody")], [0, 2, -1]);
});
