import assert from "node:assert/strict";
import { test } from "node:test";

import { badge } from "../../static/headway/connection.js";
import { clock } from "../../static/headway/format.js";
import { ENGLISH } from "../../static/headway/words.js";

/** @typedef {import("../../static/headway/connection.js").Status} Status */
/** @typedef {import("../../static/headway/types.js").Stream} Stream */

const NOW = 1_795_269_600;

/** @param {Partial<Status>} status */
const say = (status) => badge({ phase: "open", retryAt: null, reason: "", heardAt: NOW - 9, stream: null, ...status }, NOW, ENGLISH.stream);

/** @param {Partial<Stream>} stream */
const streaming = (stream) => say({ stream: { state: "live", lag_ms: 38, gap: null, ...stream } });

test("a live stream tells its lag", () => {
  const { conn, word, detail, isLive } = streaming({});
  assert.deepEqual([conn, word, detail, isLive], ["live", "Live", "38\u00a0ms behind", true]);
});

test("two seconds of lag are catching up, whatever the server calls it", () => {
  const { conn, word, isLive } = streaming({ lag_ms: 2000 });
  assert.deepEqual([conn, word, isLive], ["behind", "Catching up", false]);
});

test("a blind stream tells since when", () => {
  const gap = { from_at: NOW - 60, until_at: null, reason: "the broker is away", repaired: 0 };
  const { conn, detail, why, isLive } = streaming({ state: "blind", lag_ms: null, gap });
  assert.deepEqual([conn, detail, isLive], ["blind", `since ${clock(NOW - 60)}`, false]);
  assert.equal(why, `Blind since ${clock(NOW - 60)}: the broker is away.`);
});

test("a gap that is over tells what was repaired", () => {
  const gap = { from_at: NOW - 60, until_at: NOW - 31, reason: "", repaired: 312 };
  assert.equal(streaming({ gap }).why, `Blind from ${clock(NOW - 60)} to ${clock(NOW - 31)}. 312 tasks repaired.`);
});

test("a gap that was healed long ago is no news", () => {
  assert.equal(streaming({ gap: { from_at: NOW - 9000, until_at: NOW - 8000, reason: "", repaired: 3 } }).why, "");
});

test("a lost connection counts the seconds to the next try", () => {
  const { conn, word, detail, why } = say({ phase: "waiting", retryAt: NOW + 2.4, reason: "interrupted" });
  assert.deepEqual([conn, word, detail, why], ["reconnecting", "Reconnecting", "in 3\u00a0s", "The connection was interrupted."]);
});

test("a connection that may not come back says why, and as of when the page is", () => {
  const { conn, word, detail, why } = say({ phase: "stopped", reason: "no_right" });
  assert.deepEqual([conn, word, detail, why], ["offline", "Offline", `as of ${clock(NOW - 9)}`, ENGLISH.stream.no_right]);
});

test("a reason in the server's own words is said as it is", () => {
  assert.equal(say({ phase: "stopped", reason: "This address is blocked." }).why, "This address is blocked.");
});
