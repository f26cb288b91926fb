import assert from "node:assert/strict";
import { test } from "node:test";

import { BOX, draw, states, towards } from "../../static/headway/graph.js";

/** @typedef {import("../../static/headway/graph.js").Node} Node */

/** @param {string} id @param {string|null} [parent] @param {Partial<Node>} [fields] @returns {Node} */
const node = (id, parent = null, fields = {}) => ({
  id, name: id, status: "completed", conclusion: "succeeded", parent_id: parent, group_id: null,
  first_seen_at: 0, started_at: 1, finished_at: 2, runtime: 1, ...fields,
});

/** @param {number} count @param {(n: number) => Node} make */
const many = (count, make) => Array.from({ length: count }, (_, n) => make(n));

/** @param {import("../../static/headway/graph.js").Drawing} drawing */
function inColumns(drawing) {
  const xs = [...new Set(drawing.boxes.map((box) => box.x))].sort((a, b) => a - b);
  return xs.map((x) => drawing.boxes.filter((box) => box.x === x).sort((a, b) => a.y - b.y).map((box) => box.key));
}

/** @param {import("../../static/headway/graph.js").Drawing} drawing */
function overlaps({ boxes }) {
  return boxes.some((a, n) => boxes.slice(n + 1).some((b) => Math.abs(a.x - b.x) < BOX.width && Math.abs(a.y - b.y) < BOX.height));
}

test("a chain stands in one line", () => {
  const drawing = draw([node("a"), node("b", "a"), node("c", "b")], "b");
  assert.deepEqual(inColumns(drawing), [["a"], ["b"], ["c"]]);
  assert.equal(new Set(drawing.boxes.map((box) => box.y)).size, 1);
  assert.equal(drawing.edges.length, 2);
  assert.match(drawing.edges[0]?.d ?? "", /^M[\d.]+ [\d.]+H/);
});

test("the caller stands in the middle of what it called", () => {
  const drawing = draw([node("a"), node("b", "a"), node("c", "a"), node("d", "a")], "a");
  const [a, , c] = ["a", "b", "c"].map((key) => drawing.boxes.find((box) => box.key === key));
  assert.deepEqual(inColumns(drawing), [["a"], ["b", "c", "d"]]);
  assert.equal(a?.y, c?.y);
});

test("what followed a group stands behind all of it", () => {
  const members = many(3, (n) => node(`m${n}`, "a", { group_id: "g", finished_at: 10 + n }));
  // Celery hands the group's id on to the body.
  const body = node("body", "m2", { first_seen_at: 12.1, group_id: "g" });
  const drawing = draw([node("a"), ...members, node("own", "m0", { first_seen_at: 5 }), body], "a");
  assert.deepEqual(inColumns(drawing), [["a"], ["m0", "m1", "m2"], ["own"], ["body"]]);
  assert.equal(drawing.edges.length, 3 + 1 + 3);
  assert.ok(!overlaps(drawing));
});

test("what a member called while others were at work is its own", () => {
  const members = [node("m0", null, { group_id: "g", finished_at: 20 }), node("m1", null, { group_id: "g", finished_at: null })];
  const drawing = draw([...members, node("own", "m0", { first_seen_at: 15 })], "m0");
  assert.equal(drawing.edges.length, 1);
});

test("a failed member is seen in the way to what followed", () => {
  const members = [node("m0", null, { group_id: "g", conclusion: "failed" }), node("m1", null, { group_id: "g" })];
  const drawing = draw([...members, node("body", "m1", { first_seen_at: 9 })], "body");
  assert.deepEqual(drawing.edges.map((edge) => edge.kind), ["bad", ""]);
});

test("a group of groups nests", () => {
  const inner = (/** @type {string} */ of) => many(2, (n) => node(`${of}${n}`, of, { group_id: `of ${of}` }));
  const outer = ["x", "y"].map((id) => node(id, "a", { group_id: "outer", first_seen_at: 1 }));
  const drawing = draw([node("a"), ...outer, ...inner("x"), ...inner("y")], "a");
  assert.ok(!overlaps(drawing));
  assert.equal(drawing.boxes.length, 7);
});

test("many siblings of one name are one box, and the page's task stands apart", () => {
  const drawing = draw([node("a"), ...many(40, (n) => node(`r${n}`, "a", { name: "resize" }))], "r7");
  assert.deepEqual(drawing.boxes.map((box) => box.nodes.length).sort((a, b) => a - b), [1, 1, 39]);
  assert.ok(drawing.boxes.some((box) => box.key === "r7"));
});

test("what folded tasks called is folded with them", () => {
  const callers = many(50, (n) => node(`a${n}`, "root", { name: "a" }));
  const called = many(50, (n) => node(`b${n}`, `a${n}`, { name: "b" }));
  const drawing = draw([node("root"), ...callers, ...called], "b3");
  assert.deepEqual(drawing.boxes.map((box) => box.nodes.length), [1, 49, 49, 1, 1]);
});

test("a long run of calls of one name is one box", () => {
  const chain = many(500, (n) => node(`n${n}`, n ? `n${n - 1}` : null, { name: "page" }));
  const drawing = draw(chain, "n0");
  assert.deepEqual(drawing.boxes.map((box) => box.nodes.length), [1, 499]);
});

test("tasks that hang on each other, on themselves or on nobody are drawn", () => {
  const drawing = draw([node("a", "b"), node("b", "a"), node("self", "self"), node("orphan", "gone")], "a");
  assert.equal(drawing.boxes.length, 4);
  assert.deepEqual(draw([], "a"), { boxes: [], edges: [], width: 0, height: 10 });
});

test("every task is in one box, whatever their shape", () => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const nodes = many(500, (n) => node(`n${n}`, n ? `n${Math.floor(random() * n)}` : null, { name: `name ${Math.floor(random() * 12)}`, group_id: random() < 0.3 ? `g${Math.floor(n / 9)}` : null }));
  const drawing = draw(nodes, "n250");
  const told = drawing.boxes.flatMap((box) => [...box.nodes, ...box.below]);
  assert.equal(new Set(told).size, 500);
  assert.equal(told.length, 500);
  assert.equal(new Set(drawing.boxes.map((box) => box.key)).size, drawing.boxes.length);
  assert.ok(!overlaps(drawing));
});

test("where there is too much, what did not lead to the page's task is closed", () => {
  const nodes = many(400, (n) => node(`n${n}`, n ? `n${Math.floor((n - 1) / 3)}` : null, { name: `name ${n % 7}` }));
  const drawing = draw(nodes, "n200");
  assert.ok(drawing.boxes.length < 48);
  assert.ok(drawing.boxes.some((box) => box.key === "n200"));
  assert.equal(drawing.boxes.flatMap((box) => [...box.nodes, ...box.below]).length, 400);
});

test("what followed a chord's body hangs on the body", () => {
  const members = many(2, (n) => node(`m${n}`, null, { group_id: "g" }));
  const drawing = draw([...members, node("body", "m1", { group_id: "g", first_seen_at: 9 }), node("last", "body", { first_seen_at: 10 })], "last");
  assert.deepEqual(inColumns(drawing), [["m0", "m1"], ["body"], ["last"]]);
});

test("arrows lead to the nearest box in their direction", () => {
  const drawing = draw([node("a"), node("b", "a"), node("c", "a"), node("d", "c")], "a");
  const to = (/** @type {string} */ key, /** @type {string} */ arrow) => towards(drawing, key, arrow)?.key;
  assert.equal(to("b", "ArrowDown"), "c");
  assert.equal(to("b", "ArrowUp"), undefined);
  assert.equal(to("c", "ArrowRight"), "d");
  assert.equal(to("d", "ArrowLeft"), "c");
  assert.equal(to("c", "Home"), "a");
  assert.equal(to("gone", "ArrowDown"), "a");
});

test("states of a box are told worst first", () => {
  const nodes = [node("a"), node("b", null, { conclusion: "failed" }), node("c"), node("d", null, { conclusion: null, status: "running" })];
  assert.deepEqual(states(nodes), [["failed", 1], ["running", 1], ["succeeded", 2]]);
});
