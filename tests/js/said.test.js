import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ENGLISH, merge } from "../../static/headway/words.js";
import { said } from "../../static/headway/said.js";

/** @type {{cases: [string, string][], patterns: Record<string, string>}} */
const { cases, patterns } = JSON.parse(readFileSync(new URL("../vectors/said.json", import.meta.url), "utf8"));

test("a sentence of the server is told in the page's language, as every shared vector has it", () => {
  for (const [english, told] of cases) assert.equal(said(english, patterns), told);
});

test("on an English page, and without words, every sentence stays as it is", () => {
  for (const [english] of cases) {
    assert.equal(said(english, ENGLISH.said), english);
    assert.equal(said(english, undefined), english);
  }
});

test("what nobody knows, what is empty and what is huge stays as it is", () => {
  for (const text of ["", " ", "%(worker)s", "$& $1 (.*)", "x".repeat(100_000)]) assert.equal(said(text, patterns), text);
});

test("a value is never taken for a place or for a pattern", () => {
  assert.equal(said("Its worker $&%(why)s.* is gone.", patterns), "Sein Worker $&%(why)s.* ist weg.");
});

test("words that the server sent are kept beside the English ones", () => {
  const words = merge({ said: patterns });
  assert.deepEqual(words.said, patterns);
  assert.equal(words.states.failed, "Failed");
});
