/**
 * What is seen of a row: state, words, bar, buttons. No clock, no DOM.
 *
 * @typedef {import ("./types.js").Row} Row
 * @typedef {import ("./types.js").Face} Face
 * @typedef {import ("./types.js").Setting} Setting
 * @typedef {import ("./types.js").Counts} Counts
 */

import { fill } from "./words.js";

/** A connection lost for less is back before anybody needs to know. */
export const GRACE_S = 2;
/** More cells than this are too narrow to tell apart. */
const MAX_CELLS = 60;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @type {Record<string, string>} */
const LOOKS = { reserved: "queued", rejected: "failed", expired: "failed", lost: "unknown" };

/** @param {Row} row */
export function stateOf(row) {
  const word = row.conclusion ?? row.status;
  const state = LOOKS[word] ?? word;
  return state in SAYS ? state : "unknown";
}

/** @param {Row|null|undefined} row */
export const isOver = (row) => Boolean(row?.conclusion) && row?.conclusion !== "lost";

/**
 * The unit that a time is told in, and how many of it.
 *
 * @param {number} seconds
 * @returns {[number, string]}
 */
function measured(seconds) {
  if (seconds < 60) return [Math.max(1, Math.round(seconds)), "second"];
  if (seconds < 90 * MINUTE) return [Math.round(seconds / MINUTE), "minute"];
  return seconds < 1.5 * DAY ? [Math.round(seconds / HOUR), "hour"] : [Math.round(seconds / DAY), "day"];
}

/** @param {Setting} setting @param {number} seconds */
export function span({ words }, seconds) {
  const [n, unit] = measured(seconds);
  return fill(words[unit], { n });
}

/** @param {Setting} setting @param {[number, number]} usual */
function usually(setting, [low, high]) {
  const { words } = setting;
  const [most, unit] = measured(high);
  const [least, other] = measured(low);
  const time = unit !== other ? `${span(setting, low)} – ${span(setting, high)}` : fill(words[unit], { n: least === most ? most : `${least}–${most}` });
  return fill(words.usually, { time });
}

/** @param {Setting} setting @param {number} at @returns {string} */
function clock({ words, lang, now }, at) {
  const isToday = new Date(at * 1000).toDateString() === new Date(now * 1000).toDateString();
  const time = new Date(at * 1000).toLocaleString(lang, { timeStyle: "short", ...(isToday ? {} : { dateStyle: "medium" }) });
  return fill(isToday ? words.today : words.at, { time });
}

/** Whole percent, cut: 100 is shown only when it is reached. @param {number} value */
const cut = (value) => Math.floor(Math.min(100, Math.max(0, value)));

/** @param {Setting} setting @param {number} value */
const percent = ({ lang }, value) => (cut(value) / 100).toLocaleString(lang, { style: "percent" });

/** @param {Setting} setting @param {number} value */
const number = ({ lang }, value) => value.toLocaleString(lang);

/** @param {Setting} setting @param {number|null|undefined} place */
function line({ words, lang }, place) {
  if (!place) return "";
  if (place === 1) return words.next ?? "";
  const kind = new Intl.PluralRules(lang, { type: "ordinal" }).select(place);
  return fill(words.place, { n: fill(words[`nth_${kind}`] ?? words.nth_other, { n: place }) });
}

/** @param {Setting} setting @param {number} left seconds */
function leftText(setting, left) {
  const { words } = setting;
  if (left < 5) return words.few ?? "";
  return fill(words.left, { time: span(setting, left > 20 && left < MINUTE ? 5 * Math.ceil(left / 5) : left) });
}

/** @param {Setting} setting @param {number|null|undefined} seconds at the time the row came */
const remaining = ({ now, at }, seconds) => (typeof seconds === "number" ? seconds - (now - at) : null);

/** @param {Setting} setting @param {number|null|undefined} seconds */
function when(setting, seconds) {
  const { words } = setting;
  const left = remaining(setting, seconds);
  if (left === null) return words.later;
  return left < 1 ? words.soon : fill(words.in, { time: span(setting, left) });
}

/** @param {string|undefined} text @returns {string} */
const capital = (text) => (text ? text.charAt(0).toLocaleUpperCase() + text.slice(1) : "");

/** @param {(string|undefined|null|false|0)[]} all */
const sentence = (...all) => capital(all.filter(Boolean).join(", "));

/** @param {(string|undefined|null|false|0)[]} parts */
const joined = (...parts) => parts.filter(Boolean).join(" · ").replace(/([.!?]) · /g, "$1 ");

/** @param {Row} row @returns {[number, number]|null} the step it is at, of how many */
function stepOf({ progress }) {
  if (progress?.steps) return [progress.step ?? 1, progress.steps];
  const index = progress?.stages?.indexOf(progress.stage ?? "") ?? -1;
  return index < 0 ? null : [index + 1, progress?.stages?.length ?? 1];
}

/** @param {Row} row @param {Setting} setting */
function counted({ progress }, setting) {
  if (typeof progress?.current !== "number" || (!progress.total && !progress.unit)) return "";
  const n = number(setting, progress.current);
  const all = progress.total ? fill(setting.words.of, { n, all: number(setting, progress.total) }) : n;
  return progress.unit ? `${all} ${progress.unit}` : all;
}

/** @param {Row} row @param {Setting} setting */
const attempt = ({ attempt: n }, { words }) => (n ?? 0) > 1 && fill(words.attempt, { n: n ?? 0 });

/** @param {Row} row @param {Setting} setting */
function facts(row, setting) {
  const { words, now, endAt, at } = setting;
  const step = stepOf(row);
  const told = step ? fill(words.step, { n: step[0], all: step[1] }) : counted(row, setting);
  const again = attempt(row, setting);
  if (endAt !== null) return sentence(told, again, leftText(setting, endAt - now));
  const usual = typeof row.progress?.percent !== "number" && row.usual_seconds ? usually(setting, row.usual_seconds) : "";
  const elapsed = typeof row.elapsed_seconds === "number" ? row.elapsed_seconds + now - at : 0;
  return sentence(told, again, usual, elapsed >= 5 && fill(words.so_far, { time: span(setting, elapsed) }));
}

/** @param {Row} row @param {Setting} setting @returns {string} */
function groupNote(row, setting) {
  const names = /** @type {(keyof Counts)[]} */ (isOver(row) ? ["failed", "cancelled"] : ["failed", "cancelled", "running"]);
  const rest = sentence(...names.map((name) => row.counts?.[name] && fill(setting.words[`n_${name}`], { n: number(setting, row.counts[name]) })));
  return isOver(row) ? rest || doneIn(row, setting) : joined(rest, setting.endAt !== null && capital(leftText(setting, setting.endAt - setting.now)));
}

/** @param {Row} row @param {Setting} setting */
function doneIn({ elapsed_seconds: seconds }, setting) {
  return typeof seconds === "number" ? fill(setting.words.done_in, { time: span(setting, seconds) }) : (setting.words.succeeded ?? "");
}

/** What each state says, as a heading and as the line below it. A label takes the heading's place.
 * @type {Record<string, (row: Row, setting: Setting) => [string|undefined, string|undefined]>} */
const SAYS = {
  queued: ({ status, note }, { words }) => [status === "reserved" ? words.reserved : note === "handed_over" ? words.handed_over : words.queued, ""],
  scheduled: (row, setting) => {
    const left = remaining(setting, row.starts_in);
    const starts = left === null ? setting.words.later : left < 60 ? when(setting, row.starts_in) : clock(setting, setting.now + left);
    return [fill(setting.words.starts, { when: starts }), setting.words.leave];
  },
  running: (row, setting) => [setting.words.running, row.counts ? groupNote(row, setting) : facts(row, setting)],
  retrying: (row, setting) => [fill(setting.words.retrying, { when: when(setting, row.retry_in) }),
    joined(row.error?.message, sentence(attempt(row, setting)))],
  stalled: (row, setting) => {
    const silent = row.updated_at ? setting.now - row.updated_at : 0;
    return [setting.words.stalled, silent >= 5 ? fill(setting.words.silent, { time: span(setting, silent) }) : ""];
  },
  succeeded: (row, setting) => [setting.words.succeeded, row.counts ? groupNote(row, setting) : doneIn(row, setting)],
  failed: (row, setting) => {
    const { words } = setting;
    const why = row.error?.message || (row.conclusion === "expired" ? words.too_late : words.neutral);
    return [words.failed, row.counts ? joined(groupNote(row, setting), row.error?.message) : why];
  },
  cancelled: (row, setting) => {
    const reached = row.progress?.percent;
    return [setting.words.cancelled, reached ? fill(setting.words.stopped_at, { percent: percent(setting, reached) }) : ""];
  },
  unknown: ({ note, conclusion }, { words }) => [words.unknown, conclusion === "lost" ? words.lost : words[note || "never_seen"]],
};

/** @param {Row} row @param {Setting} setting @returns {string} */
function valueOf(row, setting) {
  const { words } = setting;
  const { progress, counts: all } = row;
  if (all) {
    const finished = progress?.current ?? all.succeeded + all.failed + all.cancelled;
    const n = number(setting, finished);
    return progress?.total ? fill(words.of, { n, all: number(setting, progress.total) }) : fill(words.at_least, { n, all: number(setting, row.at_least ?? finished) });
  }
  const state = stateOf(row);
  if (state === "scheduled") return typeof row.starts_in === "number" ? when(setting, row.starts_in) ?? "" : "";
  if (state === "queued" && row.queue_position) return line(setting, row.queue_position);
  return !isOver(row) && typeof progress?.percent === "number" ? percent(setting, progress.percent) : "";
}

/** @param {Row} row @returns {Face["steps"]} */
function steps({ progress }) {
  const stages = progress?.stages;
  if (!stages || stages.length < 2 || !progress) return null;
  const reached = (stages.length * (progress.percent ?? 0)) / 100;
  const at = Math.max(0, stages.indexOf(progress.stage ?? ""));
  return stages.map((name, index) => {
    const value = index < at ? 100 : 100 * Math.min(1, Math.max(0, reached - index));
    return { name, state: index < at || value >= 100 ? "done" : index === at ? "now" : "next", value };
  });
}

/** @param {Row} row @returns {Face["cells"]} */
function cells({ counts: all, progress }) {
  const total = progress?.total ?? 0;
  if (!all || total < 2 || total > MAX_CELLS) return null;
  const order = /** @type {(keyof Counts)[]} */ (["succeeded", "failed", "cancelled", "running", "waiting"]);
  const known = order.flatMap((name) => Array(all[name]).fill(name));
  return [...known, ...Array(total).fill("waiting")].slice(0, total);
}

/** @param {Row} row @param {string} state @returns {number|null|undefined} */
function bar(row, state) {
  if (isOver(row) || state === "scheduled" || state === "unknown") return undefined;
  const reached = row.progress?.percent;
  if (typeof reached === "number") return cut(reached);
  return state === "queued" || state === "retrying" ? 0 : null;
}

/** @param {Setting} setting why the row may be old, in one line; empty when it is live */
function away(setting) {
  const { words, lang, now, standing } = setting;
  const known = fill(words.last_known, { time: new Date(standing.heardAt * 1000).toLocaleString(lang, { timeStyle: "short" }) });
  if (standing.problem) return standing.problem;
  if (standing.isBlind) return joined(words.blind, known);
  if (!standing.isLost || now - standing.heardAt < GRACE_S) return "";
  const left = Math.ceil((standing.retryAt ?? now) - now);
  return joined(known, capital(left > 0 ? fill(words.reconnecting_in, { time: span(setting, left) }) : words.reconnecting));
}

/**
 * @param {Row} row
 * @param {Setting} setting
 * @returns {Face}
 */
export function face(row, setting) {
  const { words, standing, label: given } = setting;
  const old = isOver(row) ? "" : away(setting);
  const state = old ? "offline" : stateOf(row);
  const [said = "", below] = SAYS[stateOf(row)]?.(row, setting) ?? [];
  const label = given || row.label || "";
  const told = stateOf(row) === "running" || stateOf(row) === "stalled" ? row.progress?.message || (!row.progress?.stages && row.progress?.stage) || "" : "";
  const broken = standing.isOnline ? words.lost_connection : words.offline;
  const heading = state === "offline" && !standing.problem && !standing.isBlind ? broken : said;
  const isRunning = state === "running";
  const lead = isRunning ? told : heading;
  const title = label || lead || said;
  const under = old || (state === "stalled" ? joined(told, below) : below) || "";
  const note = label && lead && !(state === "succeeded" && under) && !(state === "offline" && lead === said) ? joined(lead, under) : under;
  return {
    state, title, note,
    value: valueOf(row, setting),
    ref: state === "failed" || state === "unknown" ? (row.error?.reference ?? "") : "",
    bar: bar(row, stateOf(row)),
    steps: isOver(row) ? null : steps(row),
    cells: stateOf(row) === "unknown" ? null : cells(row),
    acts: row.can ?? [],
    isGroup: Boolean(row.counts),
  };
}
