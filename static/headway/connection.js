/**
 * What the stream badge says about a connection and the stream behind it.
 *
 * @typedef {import ("./types.js").Stream} Stream
 * @typedef {import ("./words.js").Group} Group
 * @typedef {{phase: "connecting"|"open"|"waiting"|"stopped", retryAt: number|null, reason: string,
 *   heardAt: number|null, stream: Stream|null}} Status
 *   instants here are the browser's own clock
 * @typedef {{conn: string, word: string, detail: string, isLive: boolean, why: string}} Badge
 *   `why`: one sentence for people; empty when all is well
 */

import * as format from "./format.js";
import { said } from "./said.js";
import { fill } from "./words.js";

/** From this lag on, what is shown is behind, whatever the server calls it. */
export const BEHIND_MS = 2000;

/** An interruption that was healed is news for as long as somebody may wonder about it. */
const RECENT_S = 3600;

/**
 * One sentence about the newest interruption; empty when there was none of late.
 *
 * @param {Stream["gap"]} gap
 * @param {number} now
 * @param {Group} words
 * @param {Group} [patterns] of the server's sentences
 */
export function gapSentence(gap, now, words, patterns) {
  if (!gap || (gap.until_at !== null && now - gap.until_at > RECENT_S)) return "";
  const from = format.clock(gap.from_at);
  const reason = gap.reason ? `: ${said(gap.reason, patterns)}` : "";
  if (gap.until_at === null) return `${fill(words.gap_open, { from })}${reason}.`;
  const repaired = gap.repaired === 1 ? words.one_repaired : fill(words.repaired, { count: format.number(gap.repaired) });
  return `${fill(words.gap, { from, until: format.clock(gap.until_at) })}${reason}. ${repaired}`;
}

/** @type {Record<string, (stream: Stream, words: Group) => string>} */
const DETAILS = {
  live: ({ lag_ms: ms }, words) => (ms === null ? "" : fill(words.behind_by, { time: format.duration(ms / 1000) })),
  blind: ({ gap, alive_at: alive }, words) => {
    const since = gap && gap.until_at === null ? gap.from_at : alive;
    return since ? fill(words.since, { time: format.clock(since) }) : "";
  },
};

/**
 * @param {Stream} stream
 * @param {number} now
 * @param {Group} words
 * @param {Group} [patterns]
 * @returns {Badge}
 */
function streaming(stream, now, words, patterns) {
  const isLate = stream.state === "live" && (stream.lag_ms ?? 0) >= BEHIND_MS;
  const conn = isLate ? "behind" : stream.state;
  const detail = (DETAILS[conn === "behind" ? "live" : conn])?.(stream, words) ?? "";
  return { conn, word: words[conn] ?? conn, detail, isLive: conn === "live", why: gapSentence(stream.gap, now, words, patterns) || words[`${conn}_why`] || "" };
}

/**
 * @param {Status} status
 * @param {number} now in the same clock as the status
 * @param {Group} words
 * @param {Group} [patterns] of the server's sentences
 * @returns {Badge}
 */
export function badge(status, now, words, patterns) {
  if (status.phase === "open" && status.stream) return streaming(status.stream, now, words, patterns);
  const asOf = status.heardAt === null ? "" : fill(words.as_of, { time: format.clock(status.heardAt) });
  const why = words[status.reason] ?? said(status.reason, patterns);
  /** @type {(conn: string, word: string|undefined, detail: string) => Badge} */
  const say = (conn, word, detail) => ({ conn, word: word ?? conn, detail, isLive: conn === "live", why });
  if (status.phase === "open") return say("live", words.live, "");
  if (status.phase === "stopped") return say("offline", words.offline, asOf);
  if (status.phase === "connecting") return say("reconnecting", words.connecting, "");
  const seconds = Math.ceil((status.retryAt ?? now) - now);
  return say("reconnecting", words.reconnecting, fill(words.retry_in, { time: format.age(seconds) }));
}
