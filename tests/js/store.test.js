import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { newestFirst, Store } from "../../static/headway/store.js";
import { task } from "./fakes.js";

/** @typedef {import("../../static/headway/types.js").TaskRow} TaskRow */

/** @type {Store<TaskRow>} */
let store;
/** @type {any[]} */
let told;

beforeEach(() => {
  store = new Store((row) => row.id);
  told = [];
  store.listen(({ changed, removed, isSnapshot }) => told.push({ changed: [...changed].sort(), removed: [...removed], isSnapshot }));
});

/** @param {TaskRow[]} rows @param {object} [more] */
const snapshot = (rows, more = {}) => store.snapshot({ op: "snapshot", view: 1, frame: 1, revision: 10, rows, ...more }, "e1");

/** @param {object} fields */
const patch = (fields, epoch = "e1") => store.patch({ op: "patch", view: 1, frame: 2, revision: 11, ...fields }, epoch);

const ids = () => store.values().map((row) => row.id).sort();

describe("a snapshot", () => {
  test("replaces what is held, and tells what is new and what is gone", () => {
    store.seed({ epoch: "e1", revision: 5, rows: [task("a"), task("b")] });
    snapshot([task("b", { revision: 7 }), task("c")]);
    assert.deepEqual(ids(), ["b", "c"]);
    assert.deepEqual(told, [{ changed: ["b", "c"], removed: ["a"], isSnapshot: true }]);
    assert.deepEqual(store.cursor, { epoch: "e1", revision: 10 });
  });

  test("in parts counts only when its last part is here", () => {
    store.seed({ epoch: "e1", revision: 5, rows: [task("a")] });
    snapshot([task("b")], { part: 1, of: 2 });
    assert.deepEqual([ids(), store.cursor?.revision, told], [["a"], 5, []]);
    snapshot([task("c")], { part: 2, of: 2 });
    assert.deepEqual(ids(), ["b", "c"]);
  });

  test("that a lost connection cut off leaves nothing behind", () => {
    snapshot([task("a")], { part: 1, of: 2 });
    store.interrupt();
    snapshot([task("c")], { part: 2, of: 2 });
    assert.deepEqual(ids(), []);
  });

  test("takes a patch that comes between its parts", () => {
    snapshot([task("a"), task("b")], { part: 1, of: 2 });
    patch({ upsert: [task("a", { revision: 11, status: "running" })], remove: ["b"] });
    snapshot([task("c")], { part: 2, of: 2 });
    assert.deepEqual([ids(), store.get("a")?.status], [["a", "c"], "running"]);
  });

  test("of another epoch replaces rows of higher revisions", () => {
    store.seed({ epoch: "e0", revision: 900, rows: [task("a", { revision: 900, status: "running" })] });
    snapshot([task("a", { revision: 3 })]);
    assert.deepEqual([store.get("a")?.status, store.cursor?.revision], ["queued", 10]);
  });
});

describe("a patch", () => {
  beforeEach(() => store.seed({ epoch: "e1", revision: 10, rows: [task("a", { revision: 4 })] }));

  test("adds, changes and removes", () => {
    patch({ upsert: [task("a", { revision: 11 }), task("b", { revision: 11 })], remove: [] });
    patch({ upsert: [], remove: ["a"], revision: 12 });
    assert.deepEqual(told, [{ changed: ["a", "b"], removed: [], isSnapshot: false }, { changed: [], removed: ["a"], isSnapshot: false }]);
    assert.deepEqual(store.cursor, { epoch: "e1", revision: 12 });
  });

  test("applied twice changes nothing and tells nobody", () => {
    patch({ upsert: [task("a", { revision: 11 })] });
    patch({ upsert: [task("a", { revision: 11 })] });
    assert.equal(told.length, 1);
  });

  test("with an older row than the one held is passed over", () => {
    patch({ upsert: [task("a", { revision: 3, status: "running" })] });
    assert.equal(store.get("a")?.status, "queued");
  });

  test("that removes what is not held is harmless", () => {
    patch({ remove: ["nobody"] });
    assert.deepEqual(told, []);
  });

  test("never takes the cursor back", () => {
    patch({ revision: 8 });
    assert.equal(store.cursor?.revision, 10);
  });

  test("brings counts even when no row changed", () => {
    patch({ counts: { all: [3, false] } });
    assert.deepEqual([store.counts, told.length], [{ all: [3, false] }, 1]);
  });
});

test("rows are ordered by when they were first seen, and by id within one instant", () => {
  const rows = [task("a", { first_seen_at: 1 }), task("b", { first_seen_at: 2 }), task("c", { first_seen_at: 2 })];
  assert.deepEqual(rows.sort(newestFirst).map((row) => row.id), ["c", "b", "a"]);
});

describe("rows of figures, which have no revision", () => {
  /** @type {Store<{name: string, depth: number, revision?: number}>} */
  let queues;

  beforeEach(() => {
    queues = new Store((row) => row.name);
    queues.listen(({ changed }) => told.push([...changed]));
  });

  test("are news whenever they come, and the last one holds", () => {
    queues.patch({ op: "patch", view: 1, frame: 1, revision: 4, upsert: [{ name: "mail", depth: 1 }] }, "e1");
    queues.patch({ op: "patch", view: 1, frame: 2, revision: 4, upsert: [{ name: "mail", depth: 2 }] }, "e1");
    queues.snapshot({ op: "snapshot", view: 1, frame: 3, revision: 4, rows: [{ name: "mail", depth: 3 }] }, "e1");
    assert.deepEqual(told, [["mail"], ["mail"], ["mail"]]);
    assert.equal(queues.get("mail")?.depth, 3);
  });
});
