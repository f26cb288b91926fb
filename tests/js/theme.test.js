import assert from "node:assert/strict";
import { test } from "node:test";

import { next } from "../../static/headway/elements/theme.js";

/** @type {[string|undefined, boolean, string][]} */
const PRESSES = [
  [undefined, false, "dark"],
  ["dark", false, "auto"],
  ["auto", false, "dark"],
  [undefined, true, "light"],
  ["light", true, "auto"],
  ["light", false, "dark"],
  ["dark", true, "light"],
];

for (const [chosen, isSystemDark, expected] of PRESSES) {
  test(`${chosen ?? "nothing chosen"} on a ${isSystemDark ? "dark" : "light"} system becomes ${expected}`, () => {
    assert.equal(next(chosen, isSystemDark), expected);
  });
}
