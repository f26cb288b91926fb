import assert from "node:assert/strict";
import { test } from "node:test";

import { FIRST_CHUNK, Refusal, Sender, sized } from "../../static/headway/demo-upload-sender.js";

/**
 * A server that has `held` bytes, and answers as `answers` says before it does so by itself.
 *
 * @param {any[]} answers
 * @returns {any}
 */
function server(answers = []) {
  /** @type {any} */
  const world = { held: 0, asked: [], waited: [], clock: 0 };
  /** @type {(status: number, body: object) => object} */
  const json = (status, body) => ({ ok: status < 300, status, json: async () => body });
  world.fetch = async (/** @type {string} */ url, /** @type {any} */ { headers, body }) => {
    world.asked.push([url, Number(headers["Upload-Offset"]), body.size]);
    world.clock += 400;
    const answer = answers.shift();
    if (answer === "lost") throw new TypeError("network");
    if (answer) return json(answer[0], answer[1]);
    world.held += body.size;
    return json(200, { offset: world.held });
  };
  world.now = () => world.clock;
  world.wait = async (/** @type {number} */ ms) => { world.waited.push(ms); };
  return world;
}

const file = (/** @type {number} */ size) => new Blob([new Uint8Array(size)]);

/** @param {any} world @param {number} size @returns {Promise<any[]>} */
async function send(world, size, { offset = 0, abort = new AbortController() } = {}) {
  /** @type {any[]} */
  const told = [];
  const sender = new Sender(world, (progress) => told.push(progress), abort.signal);
  await sender.send("/u/", [file(size)], [offset], 4e6);
  return told;
}

test("a file goes up in chunks, each where the last one ended", async () => {
  const world = server();
  const told = await send(world, FIRST_CHUNK * 2 + 5);
  assert.deepEqual(world.asked, [["/u/0/", 0, FIRST_CHUNK], ["/u/0/", FIRST_CHUNK, FIRST_CHUNK], ["/u/0/", 2 * FIRST_CHUNK, 5]]);
  assert.equal(told.at(-1).sent, told.at(-1).total);
});

test("what the server has is not sent again", async () => {
  const world = server();
  world.held = 90;
  await send(world, 100, { offset: 90 });
  assert.deepEqual(world.asked, [["/u/0/", 90, 10]]);
});

test("a lost connection and a server in trouble are asked again, later and later", async () => {
  const world = server(["lost", [503, {}], "lost"]);
  const told = await send(world, 10);
  assert.deepEqual(world.waited, [500, 1000, 2000]);
  assert.equal(told.filter(({ trouble }) => trouble).length, 3);
  assert.equal(world.held, 10);
});

test("the time that is left is told by the rate since the network is back", async () => {
  const lost = Array(3).fill("lost");
  const world = server([...Array(4).fill(null), ...lost]);
  world.wait = async () => { world.clock += 20_000; };
  const told = await send(world, 40 * FIRST_CHUNK);
  const left = told.map((each) => each.left).filter((each) => each !== null);
  assert.ok(left.length > 20);
  // The minute that it was away is in none of them.
  assert.ok(Math.max(...left) < 30, String(left));
});

test("a chunk that another tab was quicker with is not sent twice", async () => {
  const world = server([[409, { offset: 7 }]]);
  world.held = 7;
  await send(world, 10);
  assert.deepEqual(world.asked.at(-1), ["/u/0/", 7, 3]);
});

test("a refusal ends it with the server's sentence", async () => {
  const world = server([[413, { detail: "Too much." }]]);
  await assert.rejects(send(world, 10), (error) => error instanceof Refusal && error.message === "Too much.");
});

test("cancelling ends it without another try", async () => {
  const abort = new AbortController();
  const world = server();
  world.fetch = async () => {
    abort.abort();
    throw new Error("aborted");
  };
  await assert.rejects(send(world, 10, { abort }));
  assert.deepEqual(world.waited, []);
});

test("sizes are told as people read them", () => {
  assert.deepEqual([5, 1500, 77_000, 999_600, 1.5e6, 200e6].map(sized), ["5 bytes", "1.5\u00a0kB", "77\u00a0kB", "1.0\u00a0MB", "1.5\u00a0MB", "200\u00a0MB"]);
});
