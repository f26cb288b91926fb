import assert from "node:assert/strict";
import { describe, test } from "node:test";

import * as actions from "../../static/headway/actions.js";
import { ENGLISH } from "../../static/headway/words.js";

const how = { terminate: false, signal: "SIGTERM" };
const one = { id: "a/b", name: "shop.pay", state: "failed" };
/** @type {actions.Counted} */
const counted = { count: 315, limit: 50_000, is_over_limit: false, by: { failed: 300, running: 12, lost: 3 }, names: [] };
/** @type {actions.Operation} */
const operation = { id: "3f", action: "retry", state: "running", total: 312, done: 200, refused: 10, failed: 0, detail: null, reasons: [] };

describe("what is asked of the server", () => {
  test("one task is named in the path, its slashes escaped", () => {
    assert.deepEqual(actions.order("retry", one, { how, expected: 1 }), { path: "tasks/a%2Fb/retry", body: {} });
    const end = { terminate: true, signal: "SIGKILL" };
    assert.deepEqual(actions.order("revoke", one, { how: end, expected: 1 }), { path: "tasks/a%2Fb/revoke", body: end });
  });

  test("many are named by a query or by their ids, with the number that was told", () => {
    assert.deepEqual(actions.order("retry", { query: "name:x" }, { how, expected: 7 }), { path: "tasks/bulk", body: { query: "name:x", action: "retry", expected: 7 } });
    assert.deepEqual(actions.order("revoke", { ids: ["a"] }, { how, expected: 1 }).body, { ids: ["a"], action: "revoke", expected: 1, options: how });
  });

  test("a failure group is retried as such and counted by its failed tasks", () => {
    const group = { signature: "9c01", name: "KeyError" };
    assert.deepEqual(actions.order("retry", group, { how, expected: 4 }), { path: "failures/9c01/retry", body: { expected: 4 } });
    assert.deepEqual(actions.count("retry", group), {
      path: "tasks/bulk/count",
      body: { query: "signature:9c01 conclusion:failed", action: "retry" },
    });
  });
});

describe("what an action will be refused for", () => {
  test("those that run, and those that will be refused, are told apart", () => {
    assert.deepEqual(actions.split("revoke", counted.by), { running: 12, unfit: 300 });
    assert.deepEqual(actions.split("retry", counted.by), { running: 12, unfit: 12 });
  });
});

describe("the question", () => {
  test("names how many", () => {
    assert.equal(actions.title("retry", { query: "" }, 1204, ENGLISH), "Retry 1,204 tasks?");
    assert.equal(actions.title("revoke", { query: "" }, 1, ENGLISH), "Revoke 1 task?");
    assert.equal(actions.title("revoke", { query: "" }, null, ENGLISH), "Revoke tasks?");
  });

  test("calls the end of a running task by its name", () => {
    assert.equal(actions.title("revoke", { ...one, state: "running" }, null, ENGLISH), "Terminate this task?");
  });

  test("says what will be refused and what becomes of those that run", () => {
    const said = (/** @type {boolean} */ terminate) => actions.warnings("revoke", counted, { ...how, terminate }, ENGLISH);
    assert.deepEqual(said(false), ["Over already, so it will be refused: 300 tasks.", "Running, and left to go on: 12 tasks."]);
    assert.equal(said(true)[1], "Running, and will be ended: 12 tasks.");
    assert.deepEqual(actions.warnings("retry", counted, how, ENGLISH), ["Not over yet, so it will be refused: 12 tasks."]);
  });
});

describe("an operation", () => {
  test("tells how far it is", () => {
    const { percent, title, text } = actions.told(operation, ENGLISH);
    assert.deepEqual([percent, title, text], [67, "Retrying", "210 of 312 tasks · 200 done · 10 refused"]);
  });

  test("tells what came of it, why it ended and how often what was refused", () => {
    const reasons = [{ outcome: "refused", detail: "It is not over yet.", count: 1200 }];
    const over = { ...operation, state: "stopped", done: 0, detail: "It was stopped.", reasons };
    assert.deepEqual(actions.told(over, ENGLISH), {
      percent: 3, title: "Stopped", text: "0 done · 10 refused", reasons: ["It was stopped.", "1,200 × It is not over yet."],
    });
    assert.equal(actions.isOver(over), true);
    assert.equal(actions.isOver({ ...operation, state: "stopping" }), false);
  });
});

describe("an answer that is no answer", () => {
  test("is said as the server says it, else in our words", () => {
    assert.equal(actions.fault({ status: 409, body: { detail: "It is over." } }, ENGLISH), "It is over.");
    assert.match(actions.fault({ status: 0, body: null }, ENGLISH), /^No answer came\. It may have been done/);
    assert.match(actions.fault({ status: 403, body: null }, ENGLISH), /\(403\)\. Reload/);
    assert.match(actions.fault({ status: 502, body: "<html>" }, ENGLISH), /\(502\)/);
  });
});

describe("the way to the API", () => {
  /** @param {() => Promise<any>} answer */
  function callerOf(answer) {
    /** @type {any[]} */
    const asked = [];
    const fetch = (/** @type {any} */ url, /** @type {any} */ init) => { asked.push([url, init]); return answer(); };
    return { asked, api: actions.caller("/hw/api/v1/", () => "masked", /** @type {any} */ (fetch)) };
  }

  test("a POST carries its body and the token of the page", async () => {
    const { asked, api } = callerOf(async () => ({ status: 202, json: async () => ({ id: "3f" }) }));
    assert.deepEqual(await api.post({ path: "tasks/bulk", body: { expected: 1 } }), { status: 202, body: { id: "3f" } });
    const [url, { method, headers, body, credentials }] = asked[0];
    assert.deepEqual([url, method, headers["x-csrftoken"], body, credentials], ["/hw/api/v1/tasks/bulk", "POST", "masked", '{"expected":1}', "same-origin"]);
  });

  test("a server that is away, and one that answers no JSON, are told apart", async () => {
    const away = callerOf(() => Promise.reject(new TypeError("network")));
    assert.deepEqual(await away.api.get("operations/3f"), { status: 0, body: null });
    const broken = callerOf(async () => ({ status: 502, json: () => Promise.reject(new SyntaxError("<")) }));
    assert.deepEqual(await broken.api.get("operations/3f"), { status: 502, body: null });
  });
});
