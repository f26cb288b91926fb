import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as chart from "../../static/headway/chart-data.js";
import { isLower, lanes, scale, tickText } from "../../static/headway/plot.js";
import { ENGLISH } from "../../static/headway/words.js";

/** @type {{title: string, now: number, tasks: string, data: chart.Data, summary: string, clock: string, table: object[]}[]} */
const VECTORS = JSON.parse(readFileSync(new URL("../vectors/chart.json", import.meta.url), "utf8"));

const NOW = 1_795_271_531.4;
const MINUTE = 1_795_271_520;

/** @param {Partial<chart.Data>} [fields] @returns {chart.Data} */
const data = (fields) => ({ range: "1h", from: MINUTE - 120, until: MINUTE + 60, step: 60, is_zoomed: false, gaps: [], points: [[MINUTE - 120, 5, 0, 5], [MINUTE - 60, 7, 2, 6], [MINUTE, 3, 1, 4]], ...fields });

for (const { title, now, tasks, data: shown, summary, clock, table } of VECTORS) {
  test(`sentence and table of ${title} read as the server writes them`, () => {
    assert.equal(chart.summary(shown, now, ENGLISH.chart), summary);
    assert.equal(chart.clock(shown), clock);
    const lines = chart.table(shown, { tasks, now, words: ENGLISH.chart, zone: "UTC" });
    assert.deepEqual(lines.slice(0, table.length), table);
  });
}

test("the step that still runs is no drop of the line, but its failures are seen", () => {
  const [times, finished, failed] = chart.columns(data(), NOW);
  assert.deepEqual([times, finished, failed], [[MINUTE - 90, MINUTE - 30, MINUTE + 30], [5, 7, null], [0, 2, 1]]);
});

test("the last hour goes on with the row, minutes without a word are empty", () => {
  const next = chart.advanced(data(), [[MINUTE, 9, 1, 8], [MINUTE + 60, 1, 0, 2]], NOW + 60);
  assert.deepEqual([next.from, next.until], [MINUTE - 60, MINUTE + 120]);
  assert.deepEqual(next.points, [[MINUTE - 60, 0, 0, 0], [MINUTE, 9, 1, 8], [MINUTE + 60, 1, 0, 2]]);
});

test("a gap that ends takes the place of the one that lasted", () => {
  const open = chart.withGap([[10, 20]], { from_at: 30, until_at: null });
  assert.deepEqual(chart.withGap(open, { from_at: 30, until_at: 40 }), [[10, 20], [30, 40]]);
});

test("a marked span is whole steps inside of what is shown", () => {
  assert.deepEqual(chart.between(data(), MINUTE - 10, MINUTE - 70), [MINUTE - 120, MINUTE]);
  assert.deepEqual(chart.between(data(), MINUTE - 1e6, MINUTE + 1e6), [MINUTE - 120, MINUTE + 60]);
  assert.deepEqual(chart.between(data(), MINUTE + 1, MINUTE + 1), [MINUTE, MINUTE + 60]);
});

test("the zoom is in the address, beside what was there", () => {
  const zoomed = chart.zoomUrl("http://x/headway/?range=6h", [60, 120]);
  assert.equal(zoomed, "http://x/headway/?range=6h&from=60&until=120");
  assert.equal(chart.zoomUrl(zoomed, null), "http://x/headway/?range=6h");
});

for (const [most, top, ticks] of /** @type {[number, number, number[]][]} */ ([[0, 1, [0, 1]], [2, 2, [0, 1, 2]], [15, 15, [0, 5, 10, 15]], [255, 300, [0, 100, 200, 300]], [6100, 10_000, [0, 5000, 10_000]]])) {
  test(`an axis up to ${most} has round lines`, () => assert.deepEqual(scale(most, 3), { top, ticks }));
}

test("the lanes never touch: failures end below where the area begins", () => {
  const { low, high, marks } = lanes([100, 300, null], [1, 20, 0]);
  const share = (/** @type {number} */ value, /** @type {[number, number]} */ [from, until]) => (value - from) / (until - from);
  assert.ok(share(20, low) < share(0, high));
  assert.equal(share(300, high), 1);
  assert.deepEqual(marks.map((mark) => mark.tick), [0, 10, 20, 0, 100, 200, 300]);
  assert.ok(isLower(0.9) && !isLower(0.5));
});

test("midnight is written as its day", () => {
  assert.equal(tickText(1_795_219_200, "UTC"), "21 Nov");
  assert.equal(tickText(MINUTE, "UTC"), "14:32");
});
