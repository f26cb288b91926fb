import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as cells from "../../static/headway/cells.js";
import { plain } from "../../static/headway/phrases.js";
import { shown, slots } from "../../static/headway/workers.js";
import { ENGLISH } from "../../static/headway/words.js";

/** @param {string} name */
const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));

for (const { title, cells: declared, setting, most, rows, lines } of read("cells")) {
  test(`${title} read as the server writes them`, () => {
    const given = { ...setting, most: cells.most(rows, declared), common: ENGLISH };
    assert.deepEqual(given.most, most);
    assert.deepEqual(rows.map((/** @type {any} */ row) => cells.line(row, declared, given)), lines);
  });
}

test("schedules read as the server writes them", () => {
  const { words } = read("cells").find((/** @type {any} */ each) => each.title === "schedule").setting;
  for (const [schedule, expected] of read("phrases")) assert.equal(plain(schedule, words), expected, schedule);
});

test("a list takes up the rows that it asks for", () => {
  const row = { state: "running", warning: null, is_enabled: false };
  assert.ok(cells.matches(row, []));
  assert.ok(cells.matches(row, ["state", "running", "stopping"]));
  assert.ok(!cells.matches(row, ["state", "finished"]));
  assert.ok(!cells.matches(row, ["warning"]));
  assert.ok(cells.matches(row, ["is_enabled", "False", "false"]));
});

const worker = (/** @type {string} */ name, /** @type {Record<string, unknown>} */ more = {}) => ({
  name, state: "online", sw_ver: "5.6.2", clock_offset: 0.002, last_heartbeat_at: 100, active: 3, concurrency: 8, loadavg: [1, 1, 1], ...more,
});

test("a worker with another version than most is odd, and one whose clock is off is in trouble", () => {
  const [first, odd, skewed, silent] = shown([worker("a"), worker("b", { sw_ver: "5.5.3" }), worker("c", { clock_offset: -2 }), worker("d", { state: "silent" })], 60);
  assert.deepEqual([first?.usual, first?.trouble], [null, false]);
  assert.deepEqual([odd?.usual, odd?.trouble], ["5.6.2", false]);
  assert.deepEqual([skewed?.trouble, silent?.trouble], [true, true]);
});

test("a worker that is gone claims neither load nor tasks, and will be forgotten", () => {
  const [gone] = shown([worker("a", { state: "gone" })], 60);
  assert.deepEqual([gone?.loadavg, gone?.clock_offset, gone?.active, gone?.forgotten_at], [null, null, 0, 160]);
});

test("slots are those of workers that live", () => {
  const rows = [worker("a"), worker("b", { state: "gone" }), worker("c", { concurrency: null })];
  assert.equal(slots(rows, "%(busy)s of %(slots)s"), "3 of 8");
  assert.equal(slots([worker("c", { concurrency: null })], "%(busy)s"), "");
});
