import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as geometry from "../../static/headway/geometry.js";
import * as overview from "../../static/headway/overview.js";
import { problems } from "../../static/headway/problems.js";
import { rate as rateOf } from "../../static/headway/telling.js";
import { ENGLISH } from "../../static/headway/words.js";

/** @param {string} name */
const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));

for (const { title, now, links, row, workers, lines } of read("overview")) {
  const setting = { links, now, words: ENGLISH };
  /** @type {Record<string, unknown>} */
  const written = {
    tiles: overview.tiles(row, setting),
    problems: problems(row, setting),
    failures: overview.failures(row, setting),
    queues: overview.queues(row, setting),
    latencies: overview.latencies(row, setting),
    workers: overview.workers(workers, setting),
    fleet: overview.fleet(workers, ENGLISH),
  };
  for (const [part, expected] of Object.entries(lines)) {
    test(`${part} of ${title} read as the server writes them`, () => assert.deepEqual(written[part], expected));
  }
}

const { rate, log_share: logShare, line, timeline, bars, share } = read("geometry");

test("rates are rounded as the server rounds them", () => {
  for (const [value, expected] of rate) assert.equal(rateOf(value), expected, String(value));
});

test("drawings are the server's", () => {
  for (const [value, expected] of logShare) assert.equal(geometry.logShare(value), expected, String(value));
  for (const [value, expected] of line) assert.deepEqual(geometry.line(value), expected);
  for (const [[values, places], expected] of timeline) assert.deepEqual(geometry.timeline(values, places), expected);
  for (const [value, expected] of bars) assert.deepEqual(geometry.bars(value), expected);
  for (const [[value, most], expected] of share) assert.equal(geometry.share(value, most), expected);
});
