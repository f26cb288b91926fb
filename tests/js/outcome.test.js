import assert from "node:assert/strict";
import { describe, test } from "node:test";

import * as outcome from "../../static/headway/outcome.js";
import { ENGLISH, merge } from "../../static/headway/words.js";
import { task } from "./fakes.js";

/** @typedef {import("../../static/headway/types.js").TaskRow} TaskRow */
/** @typedef {import("../../static/headway/types.js").Progress} Progress */

const NOW = 1000;

/** @param {Partial<TaskRow>} fields */
function said(fields) {
  const note = outcome.note(task("a", fields), ENGLISH);
  return [outcome.at(note.strong, NOW), outcome.at(note.text, NOW)];
}

/** @param {Partial<Progress>} [fields] @returns {Progress} */
const progress = (fields = {}) => ({ current: null, total: null, percent: null, unit: null, message: null, stage: null, stages: null, updated_at: 990, ...fields });

/** @param {string} conclusion @param {Partial<TaskRow>} [fields] @returns {Partial<TaskRow>} */
const over = (conclusion, fields = {}) => ({ status: "completed", conclusion, ...fields });

/** @type {[string, Partial<TaskRow>, string[]][]} */
const NOTES = [
  ["a queued task waits", {}, ["", "waiting for a worker"]],
  ["a reason of its own is said instead", { reason: "handed over, no news yet" }, ["", "handed over, no news yet"]],
  ["a reserved task is held", { status: "reserved" }, ["", "held by the worker, not started"]],
  ["a running task without progress says so", { status: "running" }, ["", "no progress reported"]],
  ["a scheduled task counts down", { status: "scheduled", eta: NOW + 90 }, ["", "due in 1m\u00a030s"]],
  ["a scheduled task whose time has come is due", { status: "scheduled", eta: NOW - 1 }, ["", "due now"]],
  ["a retry counts down and says why", { status: "retrying", retry_at: NOW + 24, exception: "HTTPError('503')" }, ["Again in 24\u00a0s", "HTTPError: 503"]],
  ["a retry without a time says that it has none", { status: "retrying" }, ["Again, time unknown", ""]],
  ["a failure says its exception", over("failed", { exception: "CardError('declined')" }), ["CardError", "declined"]],
  ["a failure whose exception may not be seen says its state", over("failed", { reason: "raised" }), ["", "raised"]],
  ["a success says how much was done and how often it was tried", over("succeeded", { retries: 2, progress: progress({ current: 1200 }) }), ["", "1,200, after 2 retries"]],
  ["a success at the first go says nothing", over("succeeded"), ["", ""]],
  ["a lost task says what is known", over("lost"), ["", "its worker is gone; the outcome is not known"]],
  ["a status of a newer server is unknown", { status: "paused" }, ["", "nothing is known about it"]],
];

describe("the note", () => {
  for (const [sentence, fields, expected] of NOTES) test(sentence, () => assert.deepEqual(said(fields), expected));
});

describe("the bar", () => {
  test("is only for what runs and reports", () => {
    assert.equal(outcome.bar(task("a", { status: "running" }), ENGLISH), null);
    assert.equal(outcome.bar(task("a", over("succeeded", { progress: progress({ percent: 100 }) })), ENGLISH), null);
  });

  test("counts down to its end once there is enough to go by", () => {
    const bar = outcome.bar(task("a", { status: "running", started_at: 970, progress: progress({ percent: 20, message: "encode" }) }), ENGLISH);
    assert.equal(outcome.at(/** @type {outcome.Text} */ (bar?.detail), NOW), "1m\u00a010s left");
  });

  test("says what it is at while there is no estimate", () => {
    const bar = outcome.bar(task("a", { status: "running", started_at: 988, progress: progress({ percent: 20, stage: "encode" }) }), ENGLISH);
    assert.deepEqual([bar?.percent, bar?.detail.text], [20, "encode"]);
  });

  test("without a total counts", () => {
    const bar = outcome.bar(task("a", { status: "running", progress: progress({ current: 4608, unit: "frames" }) }), ENGLISH);
    assert.deepEqual([bar?.percent, bar?.detail.text], [null, "4,608 frames"]);
  });
});

test("the server's words take the place of ours, and ours fill what it leaves out", () => {
  const words = merge({ notes: { queued: "wartet" } });
  assert.deepEqual([words.notes.queued, words.notes.lost], ["wartet", ENGLISH.notes.lost]);
});
