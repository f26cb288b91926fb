import assert from "node:assert/strict";
import { test } from "node:test";

import { mayReload } from "../../static/headway/update.js";

const IDLE = { isHidden: false, idleMs: 600_000, isTyping: false, isSelecting: false };

test("a page that nobody is at may reload", () => {
  assert.equal(mayReload(IDLE), true);
  assert.equal(mayReload({ ...IDLE, idleMs: 0, isHidden: true }), true);
});

test("a page that somebody is at may not", () => {
  for (const busy of [{ idleMs: 1000 }, { isTyping: true }, { isSelecting: true }, { isSelecting: true, isHidden: true }]) {
    assert.equal(mayReload({ ...IDLE, ...busy }), false, JSON.stringify(busy));
  }
});
