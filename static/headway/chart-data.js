/**
 * What a chart over time is made of. `dashboard/charts.py` writes the same table and sentence into
 * the page as it is first sent; `tests/vectors/chart.json` holds both to it. Instants are Unix
 * seconds.
 *
 * @typedef {[number, number, number, number]} Point begin of a step; finished, failed, started in it
 * @typedef {[number, number|null]} Gap from, until; null while it lasts
 * @typedef {{range: string, from: number, until: number, step: number, is_zoomed: boolean,
 *   points: Point[], gaps: Gap[]}} Data `until` is not included
 * @typedef {import ("./words.js").Group} Group
 */

import * as format from "./format.js";
import { search } from "./telling.js";
import { fill } from "./words.js";

const DAY_S = 86_400;
const MINUTE_S = 60;

/** @param {Data} data */
export const clock = (data) => (data.until - data.from > DAY_S ? "moment" : "minute");

/**
 * @param {number} step
 * @param {Group} words
 */
const unit = (step, words) => words[`unit_${step}`] ?? "";

/**
 * The chart in one sentence, the step that still runs left out where it can be.
 *
 * @param {Data} data
 * @param {number} now
 * @param {Group} words
 */
export function summary({ points, step }, now, words) {
  const over = points.filter(([at]) => at + step <= now);
  const finished = (over.length ? over : points).map((point) => point[1]);
  const failed = points.map((point) => point[2]);
  if (!finished.some(Boolean) && !failed.some(Boolean)) return words.nothing ?? "";
  return fill(words.summary, {
    low: format.number(Math.min(...finished)),
    high: format.number(Math.max(...finished)),
    unit: unit(step, words),
    failed: format.number(failed.reduce((sum, each) => sum + each, 0)),
    peak: format.number(Math.max(...failed)),
  });
}

/**
 * Where the tasks of a step are listed.
 *
 * @param {string} tasks the list's address
 * @param {number} from
 * @param {number} until
 * @param {boolean} isFailed only those that failed
 */
export function listUrl(tasks, from, until, isFailed) {
  const times = [`since:${minuteText(from)}`, `until:${minuteText(until)}`];
  const links = { tasks, workers: "", failures: "", failure: "", schedule: "" };
  return search(links, ...(isFailed ? ["conclusion:failed"] : []), ...times);
}

/** @param {number} at */
const minuteText = (at) => new Date(at * 1000).toISOString().slice(0, 16);

/**
 * Whether the stream was interrupted in a step, or the step still runs.
 *
 * @param {number} at
 * @param {Data} data
 * @param {number} now
 * @param {Group} words
 */
export function note(at, { step, gaps }, now, words) {
  if (gaps.some(([from, until]) => from < at + step && (until ?? now) > at)) return words.blind ?? "";
  return at + step > now ? (words.so_far ?? "") : "";
}

/**
 * One row of the table.
 *
 * @param {Point} point
 * @param {Data} data
 * @param {{tasks: string, words: Group, now: number, zone?: string}} setting
 */
export function line([at, finished, failed, started], data, { tasks, words, now, zone }) {
  const write = clock(data) === "moment" ? format.moment : format.minute;
  return {
    key: String(at),
    at,
    from: write(at, zone),
    url: listUrl(tasks, at, at + data.step, false),
    failed_url: listUrl(tasks, at, at + data.step, true),
    finished: format.number(finished),
    failed: format.number(failed),
    started: format.number(started),
    note: note(at, data, now, words),
  };
}

/**
 * The rows of the table, newest first.
 *
 * @param {Data} data
 * @param {Parameters<typeof line>[2]} setting
 */
export function table(data, setting) {
  return data.points.filter(([at]) => at <= setting.now).reverse().map((point) => line(point, data, setting));
}

/**
 * The chart moved on to what the overview's row tells of the last hour.
 *
 * @param {Data} data
 * @param {number[][]} series
 * @param {number} now
 * @returns {Data}
 */
export function advanced(data, series, now) {
  const until = (Math.floor(now / MINUTE_S) + 1) * MINUTE_S;
  const from = until - (data.until - data.from);
  const told = new Map(series.map((point) => [point[0], point]));
  /** @type {Point[]} */
  const points = [];
  for (let at = from; at < until; at += MINUTE_S) {
    const [, finished = 0, failed = 0, started = 0] = told.get(at) ?? [];
    points.push([at, finished, failed, started]);
  }
  return { ...data, from, until, points };
}

/**
 * The gaps with the newest one as the stream tells it.
 *
 * @param {Gap[]} gaps
 * @param {{from_at: number, until_at: number|null}|null|undefined} told
 * @returns {Gap[]}
 */
export function withGap(gaps, told) {
  if (!told) return gaps;
  return [...gaps.filter(([from]) => from !== told.from_at), [told.from_at, told.until_at]];
}

/**
 * The columns that the drawing takes: instants; finished, without the step that still runs, which
 * would look like a drop; failed.
 *
 * @param {Data} data
 * @param {number} now
 * @returns {[number[], (number|null)[], number[]]}
 */
export function columns({ points, step }, now) {
  return [
    points.map(([at]) => at + step / 2),
    points.map(([at, finished]) => (at + step > now ? null : finished)),
    points.map((point) => point[2]),
  ];
}

/**
 * The span between two instants in whole steps, at least one long.
 *
 * @param {Data} data
 * @param {number} one
 * @param {number} other
 * @returns {[number, number]}
 */
export function between({ from, until, step }, one, other) {
  const first = Math.max(from, Math.floor(Math.min(one, other) / step) * step);
  const last = Math.min(until, Math.max(Math.ceil(Math.max(one, other) / step) * step, first + step));
  return [first, last];
}

/**
 * The address of a chart zoomed into a span; without one, of the whole range.
 *
 * @param {string} address
 * @param {[number, number]|null} span
 */
export function zoomUrl(address, span) {
  const url = new URL(address);
  url.searchParams.delete("from");
  url.searchParams.delete("until");
  if (span) {
    url.searchParams.set("from", String(span[0]));
    url.searchParams.set("until", String(span[1]));
  }
  return url.href;
}
