import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { fromApi, instant, OlderPages } from "../../static/headway/older.js";

test("an instant keeps its microseconds", () => {
  assert.equal(instant("2026-11-21T14:00:00.123456Z"), 1_795_269_600.123456);
  assert.equal(instant("2026-11-21T15:00:00+01:00"), 1_795_269_600);
});

test("what the API sends becomes what the socket sends, arguments left as they are", () => {
  const item = { id: "2026", eta: "2026-11-21T14:00:00Z", sent_at: null, kwargs: { created_at: "2026-11-21T14:00:00Z" }, progress: { updated_at: "2026-11-21T14:00:01Z", current: 3 } };
  assert.deepEqual(fromApi(item), { ...item, eta: 1_795_269_600, progress: { updated_at: 1_795_269_601, current: 3 } });
});

describe("reading on", () => {
  /** @type {URL[]} */
  let asked;

  /** @param {any} body @param {number} [status] */
  function pages(body, status = 200) {
    asked = [];
    const fetcher = /** @type {any} */ (async (/** @type {URL} */ url) => {
      asked.push(url);
      return { ok: status < 400, status, json: async () => body };
    });
    return new OlderPages({ url: "http://host/prefix/api/v1/tasks", query: "name:a b&c", limit: 100, after: "cur", tail: "t" }, fetcher);
  }

  const question = () => Object.fromEntries(/** @type {URL} */ (asked[0]).searchParams);

  test("goes on below the row that the cursor belongs to", async () => {
    const older = pages({ items: [{ id: "u" }], after: null });
    assert.equal(older.hasMore("t", false), true);
    assert.deepEqual(await older.next("t"), [{ id: "u" }]);
    assert.deepEqual(question(), { query: "name:a b&c", after: "cur", limit: "100" });
    assert.equal(older.hasMore("u", true), false);
  });

  test("reads far enough from the top when the list ends elsewhere now", async () => {
    const older = pages({ items: [{ id: "u" }], after: "next" });
    assert.equal(older.hasMore("other", false), false);
    assert.equal(older.hasMore("other", true), true);
    await older.next("other");
    assert.deepEqual(question(), { query: "name:a b&c", limit: "200" });
    assert.equal(older.hasMore("u", false), true);
  });

  test("fails with the server's reason, and is not asked again at the same end", async () => {
    const older = pages({ title: "Bad query", detail: "There is no word colour." }, 400);
    await assert.rejects(older.next("t"), /There is no word colour/);
    assert.deepEqual([older.isBusy, older.hasMore("t", true)], [false, false]);
  });
});
