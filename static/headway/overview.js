/**
 * The overview's row as its page shows it: every value already a text. `dashboard/overview.py`
 * writes the same lines into the page as it is first sent; `tests/vectors/overview.json` holds
 * both to it.
 *
 * @typedef {import ("./words.js").Words} Words
 * @typedef {import ("./telling.js").Setting} Setting
 */

import * as format from "./format.js";
import * as geometry from "./geometry.js";
import { failureUrl, rate, search, sentence, term } from "./telling.js";
import { fill } from "./words.js";

const SHOWN_QUEUES = 9;
const SHOWN_FAILURES = 6;
const SHOWN_NAMES = 8;
const SHOWN_WORKERS = 48;
const NEW_FOR_S = 3600;
/** A wait of this length is worth a colour, whatever the task. */
const LATE_S = 60;
/** Columns of the row's `series`. */
const FINISHED = 1;
const FAILED = 2;
const STARTED = 3;

/** @type {Record<string, number>} */
const HEALTH_ORDER = { silent: 0, gone: 1, online: 2 };
/** @type {Record<string, string>} */
const TAGS = { unattended: "no_workers", backlog: "backlog" };

/**
 * One column of the series; empty where the viewer gets no series.
 *
 * @param {any} row
 * @param {number} place
 * @returns {number[]}
 */
const column = (row, place) => (row.series ?? []).map((/** @type {number[]} */ point) => point[place]);

/**
 * The four figures at the top, by name.
 *
 * @param {any} row
 * @param {Setting} setting
 */
export function tiles(row, setting) {
  return {
    running: running(row, setting),
    queued: queued(row, setting),
    failed: failed(row, setting),
    throughput: throughput(row, setting),
  };
}

/**
 * @param {any} row
 * @param {Setting} setting
 */
function running(row, { links, words, now }) {
  const name = row.oldest_running_name;
  return {
    value: format.number(row.running),
    unit: row.slots ? fill(words.overview.of_slots, { count: format.number(row.slots) }) : "",
    says: oldest(row.oldest_running_at, name ? format.name(name)[1] : "", row.running ? "" : words.overview.none_runs, { words, now }),
    url: search(links, "status:running"),
    spark: geometry.line(column(row, STARTED).slice(0, -1)),
  };
}

/**
 * @param {any} row
 * @param {Setting} setting
 */
function queued(row, { links, words, now }) {
  return {
    value: format.number(row.queued),
    unit: "",
    says: oldest(row.oldest_queued_at, row.oldest_queued_queue ?? "", row.queued ? "" : words.overview.none_waits, { words, now }),
    url: search(links, "status:queued"),
    beside: ["reserved", "scheduled", "retrying"].filter((state) => row[state]).map((state) => ({
      state,
      word: words.states[state] ?? state,
      count: format.number(row[state]),
      url: search(links, `status:${state}`),
    })),
  };
}

/**
 * @param {number|null|undefined} at
 * @param {string} what
 * @param {string|undefined} none
 * @param {{words: Words, now: number}} setting
 */
function oldest(at, what, none, { words, now }) {
  if (at === null || at === undefined) return sentence(none, null, now);
  return sentence(what ? words.overview.oldest : words.overview.oldest_alone, at, now, { what });
}

/**
 * @param {any} row
 * @param {Setting} setting
 */
function failed(row, { links, words }) {
  const { failed_last_hour: count, finished_last_hour: finished, failed_hour_before: before } = row;
  return {
    value: format.number(count),
    unit: count && finished ? `${rate((100 * count) / finished)}%` : "",
    says: before === null || before === undefined ? "" : fill(words.overview.hour_before, { count: format.number(before) }),
    url: links.failures || search(links, "conclusion:failed", "since:1h"),
    bars: geometry.bars(column(row, FAILED)),
  };
}

/**
 * @param {any} row
 * @param {Setting} setting
 */
function throughput(row, { links, words }) {
  const { throughput_per_minute: mean, finished_last_hour: hour, finished_last_minute: minute } = row;
  return {
    value: rate(mean ?? minute),
    unit: words.overview.per_minute ?? "",
    says: hour === null || hour === undefined
      ? fill(words.overview.last_minute, { count: format.number(minute) })
      : fill(words.overview.finished_hour, { count: format.number(hour) }),
    url: search(links, "status:completed", "since:1h"),
    spark: geometry.line(column(row, FINISHED).slice(0, -1)),
  };
}

/**
 * The newest failure groups.
 *
 * @param {any} row
 * @param {Setting} setting
 */
export function failures(row, setting) {
  return (row.failures ?? []).slice(0, SHOWN_FAILURES).map((/** @type {any} */ group) => failure(group, setting));
}

/**
 * @param {any} group
 * @param {Setting} setting
 */
function failure(group, { links, words, now }) {
  const { last_day: day, returned_at: returned = null, first_seen_at: first } = group;
  let news = sentence("", null, now);
  if (returned !== null) news = sentence(words.overview.returned, returned, now);
  else if (now - first < NEW_FOR_S) news = sentence(words.overview.new_failure, first, now);
  const total = format.number(group.count);
  const isTold = day !== null && day !== undefined;
  return {
    key: group.signature,
    url: failureUrl(group.signature, links),
    type: group.type,
    message: /** @type {string} */ (group.message ?? "").split(/(‹[^›]*›)/).filter(Boolean)
      .map((text) => ({ text, is_mask: /^‹[^›]*›$/.test(text) })),
    name: group.name ? format.name(group.name)[1] : "",
    frame: group.frame ?? "",
    news,
    count: isTold ? format.number(day) : total,
    title: isTold ? fill(words.overview.in_all, { day: format.number(day), all: total }) : "",
    seen: sentence(words.overview.ago, group.last_seen_at, now),
    bars: geometry.bars(group.spark ?? []),
  };
}

/** @param {any} queue @returns {number} */
const depthOf = (queue) => queue.depth ?? queue.waiting ?? 0;

/** In the order of their code points, as the server sorts. @param {string} a @param {string} b */
const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The queues, the deepest first.
 *
 * @param {any} row
 * @param {Setting} setting
 */
export function queues(row, setting) {
  /** @type {any[]} */
  const rows = [...(row.queues ?? [])];
  const most = Math.max(0, ...rows.map(depthOf));
  rows.sort((a, b) => depthOf(b) - depthOf(a) || byText(a.name, b.name));
  return rows.slice(0, SHOWN_QUEUES).map((queue) => queueLine(queue, most, setting));
}

/**
 * @param {any} queue
 * @param {number} most
 * @param {Setting} setting
 */
function queueLine(queue, most, { links, words, now }) {
  const { warning, oldest_at: at } = queue;
  const isCapped = (queue.depth ?? null) === null && Boolean(queue.waiting_capped);
  return {
    key: queue.name,
    url: search(links, term("queue", queue.name)),
    name: queue.name,
    tag: words.overview[TAGS[warning] ?? ""] ?? "",
    state: warning ? "retrying" : "queued",
    share: geometry.share(depthOf(queue), most),
    depth: format.capped([depthOf(queue), isCapped]),
    oldest: sentence(at ? "%(time)s" : format.NONE, at, now),
    arriving: rate(queue.in_per_minute),
    leaving: rate(queue.out_per_minute),
    is_late: Boolean(warning),
  };
}

/**
 * Wait and runtime of the task names with the most runs.
 *
 * @param {any} row
 * @param {Setting} setting
 */
export function latencies(row, setting) {
  return (row.names ?? []).slice(0, SHOWN_NAMES).map((/** @type {any} */ each) => latency(each, setting));
}

/**
 * @param {any} each
 * @param {Setting} setting
 */
function latency(each, { links }) {
  const [module, name] = format.name(each.name);
  const asked = term("name", each.name);
  const { wait_p50: low = null, wait_p95: high = null, runtime_p50: runLow = null, runtime_p95: runHigh = null } = each;
  return {
    key: each.name,
    url: search(links, asked),
    module,
    function: name,
    runs: format.number(each.runs),
    failed: format.number(each.failed ?? 0),
    failed_url: search(links, asked, "conclusion:failed", "since:1h"),
    has_failed: Boolean(each.failed),
    wait_p95: format.duration(high),
    run_p50: format.duration(runLow),
    run_p95: format.duration(runHigh),
    is_late: (high ?? 0) >= LATE_S,
    wait: { low: geometry.logShare(low ?? high), high: geometry.logShare(high) },
    run: { low: geometry.logShare(runLow), high: geometry.logShare(runHigh) },
  };
}

/**
 * The workers by name, those that are not well first.
 *
 * @param {any[]} rows
 * @param {Setting} setting
 */
export function workers(rows, setting) {
  const order = (/** @type {any} */ row) => HEALTH_ORDER[row.state] ?? 2;
  return [...rows].sort((a, b) => order(a) - order(b) || byText(a.name, b.name)).slice(0, SHOWN_WORKERS).map((row) => worker(row, setting));
}

/**
 * @param {any} row
 * @param {Setting} setting
 */
function worker(row, { links, words, now }) {
  const [node, host] = format.worker(row.name);
  const busy = row.active ?? 0;
  return {
    key: row.name,
    url: search(links, term("worker", row.name)),
    node,
    host,
    title: row.name,
    health: row.state,
    word: row.state === "online" ? "" : (words.health[row.state] ?? row.state),
    use: row.concurrency ? `${busy}/${row.concurrency}` : String(busy),
    share: geometry.share(busy, row.concurrency ?? 0),
    beat: sentence("%(time)s", row.last_heartbeat_at, now),
  };
}

/**
 * How many workers are in which health, in words; empty where there are none.
 *
 * @param {any[]} rows
 * @param {Words} words
 */
export function fleet(rows, words) {
  const say = (/** @type {string} */ health) => {
    const count = rows.filter((row) => row.state === health).length;
    return count ? fill(words.overview[health], { count }) : "";
  };
  return { online: say("online"), silent: say("silent"), gone: say("gone") };
}
