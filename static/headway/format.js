/**
 * Words and numbers as people read them, in the language that `speak` sets. The same input gives
 * the same text in `dashboard/formats.py`; `tests/vectors/format.json` holds both to it.
 *
 * @typedef {import ("./types.js").Count} Count
 */

/** What a task is shown under: a status, or a conclusion once it is over. */
const STATES = new Set([
  "queued", "scheduled", "reserved", "running", "retrying", "stalled", "unknown",
  "succeeded", "failed", "cancelled", "rejected", "expired", "lost",
]);

/** Joins a number to its unit, so that a line never breaks between them. */
const NBSP = "\u00a0";

/** Stands where a value does not apply; zero is written `0`. */
export const NONE = "–";

/**
 * How a language writes, as the table in `dashboard/viewing.py` has it.
 *
 * @typedef {{decimal: string, thousands: string, day: string, months: string[]}} Style
 *   `day`: after the number of a day that a month follows
 */

/** @type {Style} */
const ENGLISH = {
  decimal: ".", thousands: ",", day: "",
  months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
};

/** @type {Record<string, Style>} */
const STYLES = {
  en: ENGLISH,
  de: {
    decimal: ",", thousands: ".", day: ".",
    months: ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
  },
};

let style = ENGLISH;
let unnamed = "unnamed task";

/**
 * Writes in this language from now on; in English for one that is not in the table.
 *
 * @param {string} language as `<html lang>` has it
 * @param {string} [noName] what a task without a name is called
 */
export function speak(language, noName) {
  const [base = ""] = language.split("-");
  style = (Object.hasOwn(STYLES, base) ? STYLES[base] : null) ?? ENGLISH;
  unnamed = noName || "unnamed task";
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An argument list longer than this is cut: no column is wide enough to show more. */
const MAX_ARGUMENTS = 300;

/** @param {number} value */
const two = (value) => String(value).padStart(2, "0");

/**
 * Whole seconds of a minute and more, in the two largest units.
 *
 * @param {number} seconds
 */
function long(seconds) {
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)}m${NBSP}${two(seconds % MINUTE)}s`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)}h${NBSP}${two(Math.floor((seconds % HOUR) / MINUTE))}m`;
  return `${Math.floor(seconds / DAY)}d${NBSP}${Math.floor((seconds % DAY) / HOUR)}h`;
}

/**
 * A number with its decimal places: `0.42`.
 *
 * @param {number} whole
 * @param {string|number} places
 */
export const decimal = (whole, places) => `${whole}${style.decimal}${places}`;

/**
 * Whole milliseconds, rounded as the server rounds them.
 *
 * @param {number} seconds
 */
export function milliseconds(seconds) {
  return Math.floor(seconds * 1000 + 0.5);
}

/**
 * A measured time: `842 ms`, `2.31 s`, `41 s`, `2m 41s`, `1h 04m`, `3d 4h`.
 *
 * Rounded once, to whole milliseconds, and cut from there: both languages then agree.
 *
 * @param {number|null|undefined} seconds
 */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const ms = Math.max(0, milliseconds(seconds));
  if (ms < 1000) return `${ms}${NBSP}ms`;
  if (ms < 10_000) return `${decimal(Math.floor(ms / 1000), two(Math.floor((ms % 1000) / 10)))}${NBSP}s`;
  return age(ms / 1000);
}

/**
 * The time since something: as a duration, but in whole seconds from the start.
 *
 * @param {number|null|undefined} seconds
 */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  return whole < MINUTE ? `${whole}${NBSP}s` : long(whole);
}

/**
 * The difference between two clocks, with its sign: `+2 ms`, `−1.20 s`, `0 ms`.
 *
 * @param {number|null|undefined} seconds
 */
export function offset(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const text = duration(Math.abs(seconds));
  if (text === duration(0)) return text;
  return (seconds < 0 ? "−" : "+") + text;
}

/**
 * A whole number with its thousands apart: `1,482`.
 *
 * @param {number|null|undefined} value
 */
export function number(value) {
  if (value === null || value === undefined) return NONE;
  const digits = String(Math.trunc(Math.abs(value))).replace(/\B(?=(\d{3})+$)/g, style.thousands);
  return value <= -1 ? `−${digits}` : digits;
}

/**
 * A count that may have stopped at its cap: `312`, `10k+`.
 *
 * @param {Count} count
 */
export function capped([value, isCapped]) {
  if (!isCapped) return number(value);
  return value < 1000 ? `${value}+` : `${number(Math.floor(value / 1000))}k+`;
}

/**
 * Whole percent, cut: 100 is shown only when it is reached.
 *
 * @param {number|null|undefined} value 0 to 100
 */
export function percent(value) {
  if (value === null || value === undefined) return NONE;
  return `${Math.floor(Math.min(100, Math.max(0, value)))}%`;
}

/**
 * An id shortened in the middle: its ends are what people compare.
 *
 * @param {string} text
 */
export function id(text) {
  const letters = [...text];
  return letters.length <= 12 ? text : `${letters.slice(0, 4).join("")}…${letters.slice(-4).join("")}`;
}

/**
 * A dotted task name as `[module with its dot, function]`; a task without a name is its id.
 *
 * @param {string|null|undefined} text
 * @returns {[string, string]}
 */
export function name(text) {
  if (!text) return ["", unnamed];
  const dot = text.lastIndexOf(".");
  return [text.slice(0, dot + 1), text.slice(dot + 1)];
}

/**
 * A worker's hostname as `[name, @host]`.
 *
 * @param {string} text
 * @returns {[string, string]}
 */
export function worker(text) {
  const at = text.indexOf("@");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)];
}

/** @type {Record<string, string>} */
const ESCAPES = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** @param {string} text */
function quoted(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const escaped = text.replace(/[\\\n\r\t\u0000-\u001f\u007f]/g, (c) => ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

/**
 * A value as Python writes it, which is how the people who run Celery read it.
 *
 * @param {unknown} value parsed JSON
 * @returns {string}
 */
export function literal(value) {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === "[redacted]") return value;
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([key, item]) => `${quoted(key)}: ${literal(item)}`).join(", ")}}`;
  return String(value);
}

/**
 * The arguments of a call on one line; `""` when there are none or they are unknown.
 *
 * @param {unknown[]|string|null|undefined} positional
 * @param {Record<string, unknown>|string|null|undefined} keywords
 */
export function args(positional, keywords) {
  const parts = typeof positional === "string" ? [positional] : (positional ?? []).map(literal);
  if (typeof keywords === "string") parts.push(keywords);
  else for (const [key, value] of Object.entries(keywords ?? {})) parts.push(`${key}=${literal(value)}`);
  const text = parts.join(", ");
  return text.length > MAX_ARGUMENTS ? `${text.slice(0, MAX_ARGUMENTS - 1)}…` : text;
}

/**
 * An exception's repr as `[class, message]`: `CardError('declined')` is `["CardError", "declined"]`.
 *
 * Only the plain case of one quoted text is unwrapped; anything else is kept as it is written.
 *
 * @param {string} text
 * @returns {[string, string]}
 */
export function exception(text) {
  const call = /^([A-Za-z_][\w.]*)\((.*)\)$/s.exec(text);
  if (!call) {
    const prose = /^([A-Za-z_][\w.]*): (.*)$/s.exec(text);
    return prose ? [/** @type {string} */ (prose[1]), /** @type {string} */ (prose[2])] : [text, ""];
  }
  const [, type = "", inner = ""] = call;
  const single = /^'((?:[^'\\]|\\.)*)',?$/s.exec(inner) ?? /^"((?:[^"\\]|\\.)*)",?$/s.exec(inner);
  if (!single) return [type, inner];
  return [type, (single[1] ?? "").replace(/\\(['"\\])/g, "$1").replaceAll("\\n", " ")];
}

/**
 * Making a formatter costs a hundred times what using it does.
 *
 * @type {Map<string, Intl.DateTimeFormat>}
 */
const formatters = new Map();

/** @param {Intl.DateTimeFormatOptions} options */
function formatter(options) {
  const key = JSON.stringify(options);
  const known = formatters.get(key) ?? new Intl.DateTimeFormat("en-GB", options);
  formatters.set(key, known);
  return known;
}

/**
 * The time of day in a zone (the viewer's, when none is given), as `14:02:11`.
 *
 * @param {number} at
 * @param {{zone?: string|undefined, ms?: boolean}} [options]
 */
export function clock(at, { zone, ms = false } = {}) {
  const text = formatter({
    hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
    ...(zone ? { timeZone: zone } : {}), ...(ms ? { fractionalSecondDigits: 3 } : {}),
  }).format(milliseconds(at));
  return ms ? text.replace(".", style.decimal) : text;
}

/**
 * The time of day to the minute, as `14:02`.
 *
 * @param {number} at
 * @param {string} [zone]
 */
export function minute(at, zone) {
  return formatter({ hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(zone ? { timeZone: zone } : {}) }).format(milliseconds(at));
}

/**
 * @param {number} at
 * @param {string} [zone]
 * @returns {Record<string, string>}
 */
function dateParts(at, zone) {
  const parts = formatter({ day: "numeric", month: "numeric", year: "numeric", ...(zone ? { timeZone: zone } : {}) }).formatToParts(milliseconds(at));
  return Object.fromEntries(parts.map(({ type, value }) => [type, value]));
}

/**
 * @param {number} at
 * @param {string} [zone]
 */
function dayOf(at, zone) {
  const { day: date, month } = dateParts(at, zone);
  return `${Number(date)}${style.day} ${style.months[Number(month) - 1]}`;
}

/**
 * Day and minute, as `21 Nov 14:02`.
 *
 * @param {number} at
 * @param {string} [zone]
 */
export function moment(at, zone) {
  return `${dayOf(at, zone)} ${minute(at, zone)}`;
}

/**
 * The day, as `21 Nov 2026`.
 *
 * @param {number} at
 * @param {string} [zone]
 */
export function day(at, zone) {
  return `${dayOf(at, zone)} ${dateParts(at, zone).year}`;
}

/**
 * How far the viewer's clock is from UTC: `UTC`, `UTC+1`, `UTC−3:30`.
 *
 * @param {number} minutes
 */
export function utcOffset(minutes) {
  if (minutes === 0) return "UTC";
  const [whole, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? "−" : "+"}${whole}${rest ? `:${two(rest)}` : ""}`;
}

/**
 * Day and time in full with how far it is from UTC, for a title.
 *
 * @param {number} at
 */
export function exact(at) {
  return `${day(at)} ${clock(at, { ms: true })} ${utcOffset(-new Date(milliseconds(at)).getTimezoneOffset())}`;
}

/**
 * How a task's status is shown: its key (`data-state`, and the icon `#i-key`) and its word.
 *
 * @param {{status: string, conclusion: string|null}} row
 */
export function look(row) {
  const key = row.conclusion ?? row.status;
  const state = STATES.has(key) ? key : "unknown";
  return { state, word: state.charAt(0).toUpperCase() + state.slice(1) };
}
