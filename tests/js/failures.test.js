import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import * as failures from "../../static/headway/failures.js";
import { ENGLISH } from "../../static/headway/words.js";

const { now, links, rows, order, counts, lines } = JSON.parse(readFileSync(new URL("../vectors/failures.json", import.meta.url), "utf8"));
const setting = { links, now, words: ENGLISH, zone: "UTC" };
const signatures = (/** @type {any[]} */ some) => some.map(({ signature }) => signature);

describe("groups of failures", () => {
  for (const [place, row] of rows.entries()) {
    test(`the line of ${row.type} reads as the server writes it`, () => assert.deepEqual(failures.line(row, setting), lines[place]));
  }

  test("stand in the order of the server, and are counted as there", () => {
    assert.deepEqual(signatures(failures.ordered(rows)), order);
    assert.deepEqual(failures.counts(rows), counts);
  });

  test("keep their places while somebody is at work on them; new ones come below", () => {
    const shown = ["c1", "a1", "b2"];
    assert.deepEqual(signatures(failures.held(rows, shown)), [...shown, ...order.filter((/** @type {string} */ each) => !shown.includes(each))]);
  });
});
