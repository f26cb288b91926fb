import assert from "node:assert/strict";
import { test } from "node:test";

import * as place from "../../static/headway/place.js";

test("a cursor is the one that the server makes of the same row", () => {
  assert.equal(place.cursor({ first_seen_at: 10, id: "task-0000" }), "WzEwLjAsInRhc2stMDAwMCJd");
});

test("a cursor leads back to its row, whatever its id is", () => {
  const row = { first_seen_at: 1795000000.123456, id: 'ä"\\/?#/💥' };
  assert.deepEqual(place.key(place.cursor(row)), row);
});

for (const text of ["", "x", "WzEwLjBd", "%%%", "bnVsbA"]) {
  test(`${JSON.stringify(text)} is no cursor`, () => assert.equal(place.key(text), null));
}

test("an address keeps a place beside its query, and loses it again", () => {
  const kept = place.withPlace("https://a/tasks/?query=x#old", "abc");
  assert.equal(kept, "https://a/tasks/?query=x#at=abc");
  assert.equal(place.kept(new URL(kept).hash), "abc");
  assert.equal(place.withPlace(kept, ""), "https://a/tasks/?query=x");
});

test("another fragment keeps no place", () => assert.equal(place.kept("#find"), ""));
