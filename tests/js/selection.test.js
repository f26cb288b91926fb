import assert from "node:assert/strict";
import { test } from "node:test";

import { Selection } from "../../static/headway/elements/selection.js";

const ORDER = ["a", "b", "c", "d"];

test("the keyboard starts at the first row and stops at the ends", () => {
  const selection = new Selection();
  const places = [1, 1, -1, -1, -1, 1, 1, 1, 1].map((step) => selection.move(step, ORDER));
  assert.deepEqual(places, [0, 1, 0, 0, 0, 1, 2, 3, 3]);
});

test("an empty list has no place to be", () => {
  assert.equal(new Selection().move(1, []), -1);
});

test("a row is selected and released", () => {
  const selection = new Selection();
  selection.toggle("b");
  selection.toggle("d");
  selection.toggle("b");
  assert.deepEqual(selection.inOrder(ORDER), ["d"]);
});

test("a range reaches from the last selected row in either direction", () => {
  const selection = new Selection();
  selection.toggle("c");
  selection.extend("a", ORDER);
  assert.deepEqual(selection.inOrder(ORDER), ["a", "b", "c"]);
});

test("a range without a start is one row", () => {
  const selection = new Selection();
  selection.extend("c", ORDER);
  assert.deepEqual(selection.inOrder(ORDER), ["c"]);
});

test("clearing says whether there was anything", () => {
  const selection = new Selection();
  selection.toggle("c");
  assert.deepEqual([selection.clear(), selection.clear(), selection.size], [true, false, 0]);
});

test("all of a list is selected at once", () => {
  const selection = new Selection();
  assert.equal(selection.hasAll([]), false);
  selection.toggle("c");
  assert.equal(selection.hasAll(ORDER), false);
  selection.addAll(ORDER);
  assert.deepEqual([selection.hasAll(ORDER), selection.inOrder(ORDER)], [true, ORDER]);
});
