import assert from "node:assert/strict";
import { test } from "node:test";

import { chain, forward, isNewer, settle } from "../../static/headway/embed/track.js";

/** @typedef {import("../../static/headway/embed/types.js").Row} Row */

/** @param {number|null} percent @param {Partial<Row>} [fields] @returns {Row} */
const running = (percent, fields = {}) => ({ status: "running", progress: { current: null, total: null, percent }, ...fields });
/** @type {Row} */
const done = { status: "completed", conclusion: "succeeded", elapsed_seconds: 10 };

test("an older row that comes late by another transport is not taken", () => {
  const held = { row: { status: "running", revision: 7 }, epoch: "e1" };
  assert.equal(isNewer(held, { status: "queued", revision: 6 }, "e1"), false);
  assert.equal(isNewer(held, { status: "running", revision: 7 }, "e1"), true);
  assert.equal(isNewer(held, { status: "running", revision: 1 }, "e2"), true);
  assert.equal(isNewer(undefined, { status: "running" }, "e1"), true);
});

test("progress never falls, not even with another attempt or while it waits", () => {
  const shown = running(64, { id: "a" });
  assert.equal(forward(shown, running(5)).progress?.percent, 64);
  assert.equal(forward(shown, { status: "retrying", progress: null }).progress?.percent, 64);
  assert.equal(forward(shown, running(null)).progress?.percent, 64);
  assert.equal(forward(shown, running(65)).progress?.percent, 65);
  assert.equal(forward(null, running(5)).progress?.percent, 5);
});

test("the message of a later attempt is shown with the bar of the earlier one", () => {
  const later = running(5);
  const told = forward(running(64), { ...later, progress: { .../** @type {any} */ (later.progress), message: "Again" } });
  assert.deepEqual([told.progress?.percent, told.progress?.message], [64, "Again"]);
});

test("what a group counts is told, whatever its bar has shown before", () => {
  /** @type {Row} */
  const group = { status: "queued", counts: { succeeded: 0, failed: 0, cancelled: 0, running: 0, waiting: 6 }, progress: { current: 0, total: 6, percent: 0 } };
  assert.deepEqual(forward(running(20), group).progress, { current: 0, total: 6, percent: 20 });
});

test("a chain is one bar, at the step it is at", () => {
  const row = chain([done, running(50, { eta_seconds: 3, elapsed_seconds: 5 }), { status: "queued" }]);
  assert.equal(row?.progress?.percent, 50);
  assert.deepEqual([row?.progress?.step, row?.progress?.steps], [2, 3]);
  assert.equal(row?.status, "running");
  assert.equal(row?.eta_seconds, null, "nobody knows how long the rest takes");
  assert.equal(row?.elapsed_seconds, 15);
});

test("a chain waits where nothing is known of its next task yet, and ends with its last", () => {
  assert.equal(chain([done, undefined])?.status, "queued");
  assert.equal(chain([undefined, undefined]), null);
  assert.equal(chain([done, done])?.conclusion, "succeeded");
  assert.equal(chain([done, done])?.progress?.percent, 100);
  assert.equal(chain([done, { status: "completed", conclusion: "failed" }, { status: "unknown" }])?.conclusion, "failed");
});

test("one task is its own row", () => {
  const row = running(3);
  assert.equal(chain([row]), row);
});

test("what counts down moves only part of the way to a slightly different estimate", () => {
  assert.equal(settle(null, 60, 100), 160);
  assert.equal(settle(160, 70, 100), 163);
  assert.equal(settle(160, 600, 100), 700, "an estimate that was simply wrong is dropped");
  assert.equal(settle(160, null, 100), null);
});
