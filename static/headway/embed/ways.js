/**
 * The ways that are left where websockets are not let through. Fetched only there, so it imports
 * nothing.
 *
 * @typedef {import ("./types.js").Way} Way
 */

const POLL_S = 2;
/** A stream that ends at once must not be asked for as fast as it ends. */
const AGAIN_S = 1;
/** As a socket is closed with: a page of this origin need not come back. */
const NOT_ALLOWED = 4503;

/**
 * Reads a stream to its end: frames as on the socket.
 *
 * @param {Way} way
 * @returns {Promise<number>} seconds until it may be asked again; below 0: nothing was heard
 */
export async function stream({ fetch, url, init, isCurrent, take }) {
  const answer = await fetch(`${url}stream`, init);
  if (!answer.ok) return -1;
  let wait = -1;
  for await (const event of events(answer.body)) {
    if (!isCurrent()) return wait;
    take(event.startsWith("data: ") ? event.slice(6) : "");
    wait = AGAIN_S;
  }
  return wait;
}

/**
 * Asks once how everything stands.
 *
 * @param {Way} way
 * @returns {Promise<number>} seconds until it may be asked again; below 0: there is no answer
 */
export async function poll({ fetch, url, init, isCurrent, told }) {
  const answer = await fetch(`${url}states`, init);
  const wait = Number(answer.headers.get("Retry-After")) || POLL_S;
  if (answer.status === 403) return -NOT_ALLOWED;
  if (!answer.ok) return answer.status === 429 ? wait : -1;
  const states = await answer.json();
  if (isCurrent()) told(states);
  return wait;
}

/** The events of a stream, comments among them. @param {ReadableStream<Uint8Array>} body */
async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (text + decoder.decode(value, { stream: true })).split("\n\n");
    text = parts.pop() ?? "";
    yield* parts;
  }
}
