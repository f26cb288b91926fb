import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { fits, isRunning } from "../../static/headway/acting.js";

const STATES = ["failed", "succeeded", "lost", "running", "queued", "unknown"];

describe("which action fits which task", () => {
  test("what is over is retried, what is not is revoked; what is lost, both", () => {
    assert.deepEqual(STATES.filter((state) => fits("retry", state)), ["failed", "succeeded", "lost"]);
    assert.deepEqual(STATES.filter((state) => fits("revoke", state)), ["lost", "running", "queued", "unknown"]);
  });

  test("what stalled still runs", () => {
    assert.deepEqual([...STATES, "stalled"].filter(isRunning), ["running", "stalled"]);
  });
});
