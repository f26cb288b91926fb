import assert from "node:assert/strict";
import { test } from "node:test";

import { words as de } from "../../static/headway/embed/de.js";
import { face } from "../../static/headway/embed/face.js";
import { en } from "../../static/headway/embed/words.js";

/** @typedef {import("../../static/headway/embed/types.js").Row} Row */
/** @typedef {import("../../static/headway/embed/types.js").Setting} Setting */

const NOW = new Date(2026, 10, 21, 14, 31).getTime() / 1000;
const LIVE = { isLost: false, isOnline: true, isBlind: false, heardAt: NOW, retryAt: null };

/** @param {Partial<Row>} row @param {Partial<Setting>} [setting] */
function seen(row, setting = {}) {
  const made = face({ status: "running", ...row }, { words: en, lang: "en-GB", now: NOW, at: NOW, endAt: null, label: "", standing: LIVE, ...setting });
  return { ...made, title: plain(made.title), note: plain(made.note), value: plain(made.value) };
}

/** @param {string} text */
const plain = (text) => text.replaceAll("\u00a0", " ");

/** @param {number|null} percent @param {object} [fields] */
const progress = (percent, fields = {}) => ({ current: null, total: null, percent, ...fields });

test("a queued task tells its place, and the first that it is next", () => {
  const { title, value, bar } = seen({ status: "queued", queue_position: 3 });
  assert.deepEqual([title, value, bar], ["Waiting to start", "about 3rd in line", 0]);
  assert.equal(seen({ status: "queued", queue_position: 21 }).value, "about 21st in line");
  assert.equal(seen({ status: "queued", queue_position: 1 }).value, "next in line");
  assert.equal(seen({ status: "queued", note: "handed_over" }).title, "Handed over, waiting to start");
  assert.equal(seen({ status: "reserved" }).title, "About to start");
});

test("a label takes the place of the heading, which goes below it", () => {
  const { title, note } = seen({ status: "queued" }, { label: "reel.mp4" });
  assert.deepEqual([title, note], ["reel.mp4", "Waiting to start"]);
  assert.equal(seen({ status: "queued", label: "by token" }).title, "by token");
});

test("a scheduled task tells when", () => {
  const { title, value, note, bar } = seen({ status: "scheduled", starts_in: 3 * 3600 });
  assert.deepEqual([title, value, note, bar], ["Starts today at 17:31", "in 3 h", "You can close this page", undefined]);
  assert.equal(seen({ status: "scheduled", starts_in: null }).title, "Starts later");
  assert.match(seen({ status: "scheduled", starts_in: 86_400 }).title, /^Starts at 22 Nov/);
});

test("a running task tells percent, count and what is left", () => {
  const row = { progress: progress(41.9, { current: 16_402, total: 40_000, unit: "rows", message: "Reading" }) };
  const { title, value, note, bar } = seen(row, { endAt: NOW + 118 });
  assert.deepEqual([title, value, note, bar], ["Reading", "41%", "16,402 of 40,000 rows, about 2 min left", 41]);
  assert.equal(seen(row, { endAt: NOW + 118, label: "feed.csv" }).note, "Reading · 16,402 of 40,000 rows, about 2 min left");
  assert.equal(seen(row, { endAt: NOW - 3 }).note, "16,402 of 40,000 rows, a few seconds left");
  assert.equal(seen({ progress: progress(99.99) }).value, "99%", "100 is shown only when it is reached");
});

test("what nobody can foretell says what is usual, and how long it has been", () => {
  const { bar, note, value } = seen({ usual_seconds: [40, 55], elapsed_seconds: 9 }, { at: NOW - 3 });
  assert.deepEqual([bar, note, value], [null, "Usually 40–55 s, 12 s so far", ""]);
  assert.equal(seen({ usual_seconds: [50, 95] }).note, "Usually 50 s – 2 min");
  assert.equal(seen({ usual_seconds: [60, 61] }).note, "Usually 1 min");
});

test("stages are steps, those before the present one done", () => {
  const row = { progress: progress(55, { stage: "Convert", stages: ["Upload", "Convert", "Publish"] }) };
  const { steps, note } = seen(row);
  assert.deepEqual(steps?.map(({ name, state, value }) => [name, state, Math.round(value)]), [["Upload", "done", 100], ["Convert", "now", 65], ["Publish", "next", 0]]);
  assert.equal(note, "Step 2 of 3");
  assert.equal(seen({ ...row, status: "completed", conclusion: "succeeded" }).steps, null);
});

test("a retry tells when, and which attempt it will be", () => {
  const { title, note, value } = seen({ status: "retrying", retry_in: 27, attempt: 2, progress: progress(64) }, { at: NOW - 3 });
  assert.deepEqual([title, note, value], ["Trying again in 24 s", "Attempt 2", "64%"]);
  assert.equal(seen({ status: "retrying", retry_in: 2 }, { at: NOW - 3 }).title, "Trying again in a moment");
  assert.equal(seen({ status: "retrying", retry_in: null }).title, "Trying again later");
});

test("each end has its words", () => {
  /** @type {(conclusion: string, row?: Partial<Row>) => unknown[]} */
  const end = (conclusion, row) => {
    const { state, title, note, bar } = seen({ status: "completed", conclusion, ...row });
    return [state, title, note, bar];
  };
  assert.deepEqual(end("succeeded", { elapsed_seconds: 240 }), ["succeeded", "Done", "Done in 4 min", undefined]);
  assert.deepEqual(end("failed"), ["failed", "This did not work", "Something went wrong on our side.", undefined]);
  assert.deepEqual(end("failed", { error: { message: "Too large.", reference: null } })[2], "Too large.");
  assert.deepEqual(end("expired"), ["failed", "This did not work", "It was not started in time.", undefined]);
  assert.deepEqual(end("rejected")[0], "failed");
  assert.deepEqual(end("cancelled", { progress: progress(64) }), ["cancelled", "Cancelled", "Stopped at 64%", undefined]);
  assert.equal(end("lost")[0], "unknown");
});

test("only what went wrong has a reference", () => {
  const error = { message: null, reference: "HW-9D3F-0C6E" };
  assert.equal(seen({ status: "completed", conclusion: "failed", error }).ref, "HW-9D3F-0C6E");
  assert.equal(seen({ error }).ref, "");
});

test("unknown says why", () => {
  assert.equal(seen({ status: "unknown", note: "never_seen" }).note, en.never_seen);
  assert.equal(seen({ status: "unknown", note: "no_news" }).note, en.no_news);
  assert.equal(seen({ status: "unknown", note: null }).note, en.never_seen);
  assert.equal(seen({ status: "a status of tomorrow" }).state, "unknown");
});

test("stalled says for how long there was no news", () => {
  assert.equal(seen({ status: "stalled", updated_at: NOW - 125 }).note, "No news for 2 min");
});

test("a group counts, and has cells while they can be told apart", () => {
  const counts = { succeeded: 8, failed: 1, cancelled: 0, running: 2, waiting: 1 };
  const { value, note, cells, isGroup } = seen({ counts, progress: progress(80, { current: 9, total: 12 }) }, { endAt: NOW + 14 });
  assert.deepEqual([value, note, isGroup], ["9 of 12", "1 failed, 2 in progress · About 14 s left", true]);
  assert.deepEqual(cells, [...Array(8).fill("succeeded"), "failed", "running", "running", "waiting"]);
  assert.equal(seen({ counts, progress: progress(1, { current: 9, total: 3000 }) }).cells, null);
  const over = seen({ counts: { ...counts, running: 0, waiting: 0 }, status: "completed", conclusion: "failed", progress: progress(100, { current: 9, total: 9 }) });
  assert.deepEqual([over.value, over.note], ["9 of 9", "1 failed"]);
});

test("a group of which nobody said how large it is has no percent", () => {
  const counts = { succeeded: 9, failed: 0, cancelled: 0, running: 2, waiting: 4 };
  const { value, bar, cells } = seen({ counts, at_least: 15, progress: progress(null, { current: 9 }) });
  assert.deepEqual([value, bar, cells], ["9 of at least 15", null, null]);
});

test("a lost connection is told after a moment, with what is known since when", () => {
  const away = { ...LIVE, isLost: true, heardAt: NOW - 5, retryAt: NOW + 3 };
  const row = { progress: progress(64) };
  const { state, title, note, bar } = seen(row, { standing: away });
  assert.deepEqual([state, title, note, bar], ["offline", "Connection lost", "Last known at 14:30 · Reconnecting in 3 s", 64]);
  assert.equal(seen(row, { standing: { ...away, heardAt: NOW - 1 } }).state, "running");
  assert.equal(seen(row, { standing: { ...away, isOnline: false } }).title, "You are offline");
  assert.equal(seen({ status: "completed", conclusion: "succeeded" }, { standing: away }).state, "succeeded", "what is over needs no news");
});

test("what is not followed any more says why", () => {
  const { state, note } = seen({ progress: progress(64) }, { standing: { ...LIVE, problem: "Sign in again." } });
  assert.deepEqual([state, note], ["offline", "Sign in again."]);
});

test("blind says that there is no news", () => {
  assert.match(seen({}, { standing: { ...LIVE, isBlind: true } }).note, /^No live news right now · Last known at 14:31/);
});

test("what a row lacks, or has of a wrong kind, breaks nothing", () => {
  for (const status of ["queued", "scheduled", "running", "retrying", "stalled", "completed", "unknown"]) {
    assert.ok(seen({ status, progress: /** @type {any} */ ({ percent: "x", stages: [], current: null }) }).title);
    assert.ok(seen({ status, progress: null, error: null, counts: undefined }).title);
  }
});

test("German has the same texts with the same places to fill", () => {
  /** @param {Record<string, string>} words */
  const places = (words) => Object.fromEntries(Object.entries(words).map(([key, text]) => [key, [...text.matchAll(/\{\w+\}/g)].map(String).sort()]));
  assert.deepEqual(places(de), places(en));
});
