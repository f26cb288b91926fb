/** Renews a token that has ended. Fetched with the first that does, so it imports nothing. */

/** With these answers it makes no sense to ask again. */
const FINAL = [401, 403, 410];
const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 30_000;

/**
 * Asks the page's own server for a fresh token, until it gives one or says that there is none.
 *
 * @param {import ("./types.js").Outside} outside
 * @param {string} url
 * @param {string} id what the token is for
 * @param {() => boolean} isWanted whether anybody still waits for it
 * @returns {Promise<{token: string, detail: string}>} without a token the sentence that says why, if there is one
 */
export async function renew({ fetch, csrf, random, setTimeout }, url, id, isWanted) {
  for (let attempt = 0; isWanted(); attempt += 1) {
    try {
      const answer = await fetch(url, {
        method: "POST", credentials: "same-origin", body: JSON.stringify({ id }),
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrf() },
      });
      const { token = "", detail = "" } = await answer.json().catch(() => ({}));
      if (answer.ok && token) return { token, detail };
      if (FINAL.includes(answer.status)) return { token: "", detail };
    } catch {
      // No network: the same as an answer that makes no sense.
    }
    await new Promise((resolve) => {
      setTimeout(() => resolve(null), FIRST_WAIT_MS + random() * Math.min(LAST_WAIT_MS, 500 * 2 ** attempt));
    });
  }
  return { token: "", detail: "" };
}
