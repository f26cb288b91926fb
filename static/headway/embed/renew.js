/** Renews a token that has ended. Fetched with the first that does, so it imports nothing. */

/** With these answers it makes no sense to ask again. */
const FINAL = [401, 403, 410];
const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 30_000;
/** A token that is over as soon as it is given must not be asked for as fast as it is refused. */
const LEAST_S = 5;

/** The network is back: nothing is followed until there is a token again. */
const network = () => new Promise((resolve) => { globalThis.addEventListener?.("online", resolve, { once: true }); });

/** As Django names it: the cookie, or where that is hidden from scripts a meta or a form's field. */
const fromPage = () =>
  /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ??
  document.querySelector("meta[name=csrf-token]")?.getAttribute("content") ??
  /** @type {HTMLInputElement|null} */ (document.querySelector("[name=csrfmiddlewaretoken]"))?.value ?? "";

/** When tokens were given, by page, address and id. @type {WeakMap<object, Map<string, number>>} */
const given = new WeakMap();

/**
 * Asks the page's own server for a fresh token, until it gives one or says that there is none.
 *
 * @param {import ("./types.js").Outside} outside
 * @param {string} url
 * @param {string[]} subjects what the token is for
 * @param {() => boolean} isWanted whether anybody still waits for it
 * @returns {Promise<{token: string, detail: string}>} without a token the sentence that says why, if there is one
 */
export async function renew(outside, url, subjects, isWanted) {
  const ids = subjects.map((subject) => subject.replace(/^\w+:/, ""));
  const id = ids[0] ?? "";
  const { fetch, csrf = fromPage, random, now, setTimeout } = outside;
  const pause = (/** @type {number} */ ms) => new Promise((resolve) => { setTimeout(() => resolve(null), ms); });
  const before = given.get(outside) ?? new Map();
  given.set(outside, before);
  const rest = (before.get(`${url} ${id}`) ?? -LEAST_S) + LEAST_S - now();
  if (rest > 0) await pause(1000 * rest);
  for (let attempt = 0; isWanted(); attempt += 1) {
    try {
      const answer = await fetch(url, {
        // Nobody else's server is told the token against forged requests.
        method: "POST", mode: "same-origin", credentials: "same-origin", body: JSON.stringify({ id, ids }),
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrf() },
      });
      const { token = "", detail = "" } = await answer.json().catch(() => ({}));
      if (answer.ok && token) {
        before.set(`${url} ${id}`, now());
        return { token, detail };
      }
      if (FINAL.includes(answer.status)) return { token: "", detail };
    } catch {
      // No network: the same as an answer that makes no sense.
    }
    await Promise.race([pause(FIRST_WAIT_MS + random() * Math.min(LAST_WAIT_MS, 500 * 2 ** attempt)), network()]);
  }
  return { token: "", detail: "" };
}
