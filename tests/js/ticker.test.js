import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { reading, Ticker } from "../../static/headway/ticker.js";

const NOW = 1_795_269_600;

/** @type {(() => void)|null} what runs each second, while anything does */
let beat;
/** @type {Ticker} */
let ticker;

beforeEach(() => {
  beat = null;
  const root = /** @type {any} */ ({ querySelectorAll: () => [] });
  ticker = new Ticker(root, { now: () => NOW, setInterval: (run) => { beat = run; return 1; }, clearInterval: () => { beat = null; } });
});

test("an age is in whole seconds, a running time to the hundredth", () => {
  assert.equal(reading({ age: String(NOW - 3.7) }, NOW), "3\u00a0s");
  assert.equal(reading({ since: String(NOW - 1.14) }, NOW), "1.14\u00a0s");
});

test("a countdown says when it is due", () => {
  const data = { until: String(NOW + 24), pattern: "Again in %(time)s", due: "Again now" };
  assert.equal(reading(data, NOW), "Again in 24\u00a0s");
  assert.equal(reading(data, NOW + 24), "Again now");
});

test("time is the server's", () => {
  ticker.align(NOW + 40);
  assert.equal(ticker.now(), NOW + 40);
  ticker.align(Number.NaN);
  assert.equal(ticker.now(), NOW + 40);
});

test("nothing ticks while the page is not live or not seen", () => {
  ticker.setLive(true);
  assert.notEqual(beat, null);
  ticker.setLive(false);
  assert.equal(beat, null);
  ticker.setHidden(true);
  ticker.setLive(true);
  assert.equal(beat, null);
  ticker.setHidden(false);
  assert.notEqual(beat, null);
});

test("what is painted between two ticks is as of the last one", () => {
  let now = NOW;
  const root = /** @type {any} */ ({ querySelectorAll: () => [] });
  const moving = new Ticker(root, { now: () => now, setInterval: () => 1, clearInterval: () => {} });
  assert.equal(moving.shownAt(), NOW);
  moving.tick();
  now += 0.9;
  assert.equal(moving.shownAt(), NOW);
  moving.tick();
  assert.equal(moving.shownAt(), NOW + 0.9);
});
