import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";

import * as format from "../../static/headway/format.js";
import { rate } from "../../static/headway/telling.js";

const vectors = JSON.parse(readFileSync(new URL("../vectors/languages.json", import.meta.url), "utf8"));

const { duration, offset, number, capped, percent, name: taskName } = format;
/** @type {Record<string, (input: any) => unknown>} */
const plain = { duration, offset, number, capped, percent, name: taskName, rate };

after(() => format.speak("en"));

for (const [name, write] of Object.entries(plain)) {
  test(`${name} gives the German text of every shared vector`, () => {
    format.speak("de-AT", "unbenannter Task");
    for (const [input, expected] of vectors.texts[name]) assert.deepEqual(write(input), expected, JSON.stringify(input));
  });
}

test("times are written with the months of the language, in the zone that is asked for", () => {
  for (const language of ["de", "en"]) {
    format.speak(language);
    for (const { at, zone, [language]: told } of vectors.times) {
      assert.equal(format.moment(at, zone), told.moment);
      assert.equal(format.day(at, zone), told.day);
      assert.equal(format.clock(at, { zone }), told.clock);
      assert.equal(format.clock(at, { zone, ms: true }), told.exact_clock);
    }
  }
});

test("the distance of a zone from UTC is written as the server writes it", () => {
  for (const [minutes, text] of vectors.offsets) assert.equal(format.utcOffset(minutes), text);
});

test("a language that is not in the table is written as English", () => {
  for (const language of ["", "fr", "constructor", "__proto__", "xx-YY"]) {
    format.speak(language);
    assert.equal(format.number(1482), "1,482");
    assert.deepEqual(format.name(null), ["", "unnamed task"]);
  }
});
