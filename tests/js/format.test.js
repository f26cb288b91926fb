import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as format from "../../static/headway/format.js";

const vectors = JSON.parse(readFileSync(new URL("../vectors/format.json", import.meta.url), "utf8"));

const { duration, age, offset, number, capped, percent, id, name: taskName, worker, exception } = format;
/** @type {Record<string, (input: any) => unknown>} */
const plain = { duration, age, offset, number, capped, percent, id, name: taskName, worker, exception };

for (const [name, write] of Object.entries(plain)) {
  test(`${name} gives the text of every shared vector`, () => {
    for (const [input, expected] of vectors[name]) assert.deepEqual(write(input), expected, JSON.stringify(input));
  });
}

test("args gives the text of every shared vector", () => {
  for (const [[positional, keywords], expected] of vectors.args) assert.equal(format.args(positional, keywords), expected);
});

test("look gives the key and the word of every shared vector", () => {
  for (const [[status, conclusion], expected] of vectors.look) {
    const { state, word } = format.look({ status, conclusion });
    assert.deepEqual([state, word], expected);
  }
});

test("clock shows the time of a zone, with milliseconds where asked", () => {
  assert.equal(format.clock(1795269600.5, { zone: "UTC" }), "14:00:00");
  assert.equal(format.clock(1795269600.5, { zone: "Asia/Kolkata", ms: true }), "19:30:00.500");
  assert.equal(format.clock(1795269600.0086, { zone: "UTC", ms: true }), "14:00:00.009", "rounded, as the server does");
});

test("day names the date of a zone", () => {
  assert.equal(format.day(1795269600, "UTC"), "21 Nov 2026");
});
