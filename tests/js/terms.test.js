import assert from "node:assert/strict";
import { describe, test } from "node:test";

import * as terms from "../../static/headway/terms.js";

/** @type {[string, string[]][]} */
const CUTS = [
  ["", []],
  ["  ", []],
  ["state:failure name:shop.*", ["state:failure", "name:shop.*"]],
  ['label:"two words" x', ['label:"two words"', "x"]],
  ['-error:"a \\"b c"  d', ['-error:"a \\"b c"', "d"]],
  ['open:"to the end of it', ['open:"to the end of it']],
];

for (const [query, expected] of CUTS) {
  test(`${JSON.stringify(query)} is cut at its blanks outside quotes`, () => {
    assert.deepEqual(terms.split(query).map((term) => term.text), expected);
  });
}

test("a term knows its key, its value and where it stands", () => {
  assert.deepEqual(terms.split("a -kwarg.upload_id:9").at(1), { text: "-kwarg.upload_id:9", key: "-kwarg.upload_id:", value: "9", at: 2, until: 20 });
});

test("a bare word has no key, whatever colons it holds later", () => {
  assert.deepEqual(terms.split('"a:b"').map(({ key, value }) => [key, value]), [["", '"a:b"']]);
});

test("a query is left without one of its terms", () => {
  assert.equal(terms.without("a  b:c d", 1), "a d");
});

describe("suggesting", () => {
  const words = [
    { word: "status:", description: "what a task is doing", values: ["queued", "running", "retrying"] },
    { word: "state:", description: "Celery's word" },
    { word: "queue:", description: "where it waits", values: ["media", "two words"] },
  ];

  /** @param {string} typed */
  const texts = (typed) => terms.suggest(typed, words).map(({ text }) => text);

  test("nothing typed offers every word", () => assert.deepEqual(texts(""), ["status:", "state:", "queue:"]));
  test("the beginning of a word offers the words that go on so", () => assert.deepEqual(texts("sta"), ["status:", "state:"]));
  test("a negated word stays negated", () => assert.deepEqual(texts("-q"), ["-queue:"]));
  test("a word offers its values", () => assert.deepEqual(texts("status:r"), ["status:running", "status:retrying"]));
  test("after a comma comes another value", () => assert.deepEqual(texts("status:queued,ru"), ["status:queued,running"]));
  test("a value with a blank is quoted", () => assert.deepEqual(texts("queue:t"), ['queue:"two words"']));
  test("a value that is complete offers nothing more", () => assert.deepEqual(texts("status:running"), []));
  test("an unknown word offers nothing", () => assert.deepEqual(texts("colour:r"), []));
});

describe("asking the server", () => {
  /** @type {[string, ReturnType<typeof terms.asking>][]} */
  const asked = [
    ["name:sh", { of: "name", starts: "sh" }],
    ["-Queue:", { of: "queue", starts: "" }],
    ["worker:a@b,c", { of: "worker", starts: "c" }],
    ['label:"two wo', { of: "label", starts: "two wo" }],
    ["name:shop.*", null],
    ["status:r", null],
    ["shop", null],
  ];
  for (const [typed, expected] of asked) {
    test(`${typed} asks for ${JSON.stringify(expected)}`, () => assert.deepEqual(terms.asking(typed), expected));
  }

  test("what it told comes after what is known here, and once", () => {
    const words = [{ word: "name:", description: "", values: ["shop.pay"] }];
    const texts = terms.suggest("name:sh", words, ["shop.pay", "a.shop"]).map(({ text }) => text);
    assert.deepEqual(texts, ["name:shop.pay", "name:a.shop"]);
  });
});

test("a term is unfinished while its end says that more will come", () => {
  assert.deepEqual(["status:", "a,", "-", 'a:"b', "a:b", 'a:"b"'].map(terms.isUnfinished), [true, true, true, true, false, false]);
});

test("a fault is cut out where the server counted it, in characters", () => {
  assert.deepEqual(terms.marked("💥 colour:red x", { at: 2, until: 8 }), { before: "💥 ", mark: "colour", after: ":red x" });
  assert.equal(terms.marked("a", { at: 1, until: 1 }).mark, "\u00a0");
});
