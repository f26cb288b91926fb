import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { Pace } from "../../static/headway/pace.js";
import { FakeTime } from "./fakes.js";

/** @type {FakeTime} */
let time;
/** @type {Pace} */
let pace;
/** When something was drawn, in milliseconds from the start. @type {number[]} */
let drawn;
/** What drawing and rendering cost, in milliseconds. */
let drawing = 0;
let rendering = 0;
let isHidden = false;

beforeEach(() => {
  time = new FakeTime();
  const start = time.ms;
  [drawn, drawing, rendering, isHidden] = [[], 0, 0, false];
  const draw = () => {
    drawn.push(time.ms - start);
    time.ms += drawing;
  };
  pace = new Pace(draw, {
    now: () => time.ms,
    setTimeout: time.setTimeout,
    clearTimeout: time.clearTimeout,
    requestAnimationFrame: (frame) => {
      if (isHidden) return 0;
      frame();
      time.ms += rendering;
      return 0;
    },
  });
});

/** Something changes every so many milliseconds, for a second. @param {number} ms */
function changes(ms) {
  for (const end = time.ms + 1000; time.ms < end;) {
    pace.ask();
    time.pass(ms);
  }
}

test("a change after quiet is drawn at once", () => {
  time.pass(500);
  pace.ask();
  time.pass(0);
  assert.deepEqual(drawn, [500]);
});

test("what comes together is drawn together", () => {
  for (let frame = 0; frame < 5; frame++) pace.ask();
  time.pass(1000);
  assert.equal(drawn.length, 1);
});

test("the frames of one batch that follow a first one are gathered", () => {
  pace.ask();
  time.pass(1);
  for (let frame = 0; frame < 4; frame++) {
    pace.ask();
    time.pass(3);
  }
  time.pass(100);
  assert.deepEqual(drawn, [0, 16]);
});

test("nothing is drawn where nothing changed", () => {
  pace.ask();
  time.pass(5000);
  assert.equal(drawn.length, 1);
});

describe("under load", () => {
  test("drawing takes no more than half of the time", () => {
    drawing = 30;
    changes(5);
    assert.ok(drawn.length <= 17, String(drawn));
    assert.ok(drawn.length >= 13, String(drawn));
  });

  test("what the browser spends on rendering counts as well", () => {
    [drawing, rendering] = [5, 25];
    changes(5);
    assert.ok(drawn.length <= 17, String(drawn));
  });

  test("a hidden tab, which renders nothing, is drawn all the same", () => {
    [drawing, isHidden] = [30, true];
    changes(5);
    assert.ok(drawn.length >= 13, String(drawn));
  });

  test("a slow machine still shows something new three times in two seconds", () => {
    drawing = 400;
    changes(5);
    changes(5);
    assert.ok(drawn.length >= 3, String(drawn));
  });
});

test("a pace that was stopped draws no more, until it is asked again", () => {
  pace.ask();
  pace.stop();
  time.pass(1000);
  assert.deepEqual(drawn, []);
  pace.ask();
  time.pass(0);
  assert.deepEqual(drawn, [1000]);
});
