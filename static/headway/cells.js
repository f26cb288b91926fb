/**
 * The cells of a table of told rows, as its page declares them: `{depth: ["number", "depth"]}`.
 * `dashboard/cells.py` makes the first lines from the same declaration; `tests/vectors/cells.json`
 * holds both to it.
 *
 * @typedef {import ("./words.js").Words} Words
 * @typedef {Record<string, any>} Row
 * @typedef {Record<string, string[]>} Cells form and arguments by name, most often fields of the row
 * @typedef {{now: number, words: Record<string, string>, links: Record<string, string>,
 *   most: Record<string, number>, viewer: string, can: string[], common: Words}} Setting
 *   `words` are the page's own, `common` those of all pages
 */

import * as format from "./format.js";
import * as geometry from "./geometry.js";
import { plain } from "./phrases.js";
import { said } from "./said.js";
import { rate, search, sentence, term } from "./telling.js";
import { fill } from "./words.js";

const PLACEHOLDER = "ID_PLACEHOLDER";
const LISTED = 3;
/** A clock this far off makes the ages on the page wrong enough to see. */
const SKEW_LIMIT_S = 1;

/**
 * The cells of one row by name: texts, and what `bind.js` draws from.
 *
 * @param {Row} row
 * @param {Cells} cells
 * @param {Setting} setting
 */
export function line(row, cells, setting) {
  const made = Object.entries(cells).map(([name, [form = "", ...given]]) => [name, FORMS[form]?.(row, setting, ...given)]);
  return Object.fromEntries(made);
}

/**
 * The highest value of every field of which a cell shows the share.
 *
 * @param {Row[]} rows
 * @param {Cells} cells
 */
export function most(rows, cells) {
  const fields = Object.values(cells).filter((cell) => cell[0] === "share" && cell.length === 2).map((cell) => cell[1] ?? "");
  return Object.fromEntries(fields.map((field) => [field, rows.reduce((high, row) => Math.max(high, row[field] ?? 0), 0)]));
}

/**
 * Whether the field `only[0]` has one of the other values; without any, whether it has one.
 *
 * @param {Row} row
 * @param {string[]} only
 */
export function matches(row, [field, ...values]) {
  if (field === undefined) return true;
  return values.length ? values.includes(String(row[field])) : Boolean(row[field]);
}

/** @param {any} value */
const textOf = (value) => (value === null || value === undefined ? "" : String(value));

/** @param {number} value */
function hundredths(value) {
  const whole = Math.floor(value * 100 + 0.5);
  return format.decimal(Math.floor(whole / 100), String(whole % 100).padStart(2, "0"));
}

/** @param {Row} row @param {string[]} fields */
const sumOf = (row, fields) => fields.reduce((sum, field) => sum + (row[field] ?? 0), 0);

/** @param {Record<string, number>|null|undefined} pairs */
function pairsOf(pairs) {
  const keys = Object.keys(pairs ?? {});
  if (!keys.some((key) => key !== "0")) return "";
  keys.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  return keys.map((key) => `${key}: ${format.number(pairs?.[key] ?? 0)}`).join(" · ");
}

/** @param {Setting} setting @param {string} name @param {any} value */
function linkTo({ links }, name, value) {
  return value ? (links[name] ?? "").replace(PLACEHOLDER, () => encodeURIComponent(String(value))) : "";
}

/**
 * The task list with these terms, empty for who may not see it.
 *
 * @param {Setting} setting
 * @param {...string} terms
 */
const searchFor = ({ links }, ...terms) => (links.tasks ? search(/** @type {any} */ (links), ...terms) : "");

/** @type {Record<string, (row: Row, setting: Setting, ...given: any[]) => any>} */
const FORMS = {
  ability: (row, setting, name, field, user, action) => {
    const needed = setting.words[`needs_${row[action]}`] ?? "";
    return row[user] === setting.viewer || setting.can.includes(needed) ? linkTo(setting, name, row[field]) : "";
  },
  absent: (row, _, field) => !row[field],
  age: (row, { now, words }, field, key = "") => {
    const at = row[field] ?? null;
    if (at === null) return sentence(key ? "" : format.NONE, null, now);
    return sentence(key ? words[key] : "%(time)s", at, now);
  },
  all: (row, _, field) => (row[field] ?? []).join(", "),
  capped: (row, _, field, isCapped) => ((row[field] ?? null) === null ? format.NONE : format.capped([row[field], Boolean(row[isCapped])])),
  chip: (row, { common }, field) => {
    if (!row[field]) return { state: "", word: "" };
    const state = row[field] in common.states ? row[field] : "unknown";
    return { state, word: common.states[state] };
  },
  counted: (row, { now, words }, key, field, at = "", ...others) => {
    const count = row[field];
    if (!count) return sentence("", null, now);
    const values = Object.fromEntries(others.map((other) => [other, textOf(row[other])]));
    return sentence(words[`${key}_${count === 1 ? "one" : "many"}`], at ? row[at] : null, now, { count: format.number(count), ...values });
  },
  due: (row, { now, words }, field) => {
    const at = row[field] ?? null;
    if (at === null) return { text: format.NONE, until: null, pattern: "", due: "" };
    const { due_in: pattern = "", due_now: due = "" } = words;
    return { text: at > now ? fill(pattern, { time: format.age(at - now) }) : due, until: at, pattern, due };
  },
  empties: (row, { words }, depth, leaving, warning) => {
    const [waits, out] = [row[depth], row[leaving] ?? null];
    if (!waits || out === null) return format.NONE;
    const word = words[`empties_${row[warning]}`];
    return word ?? (out > 0 ? format.age((60 * waits) / out) : words.empties_never);
  },
  fill: (row, { words }, key, ...fields) => fill(words[key], Object.fromEntries(fields.map((field) => [field, textOf(row[field])]))),
  find: (row, setting, field) => ((row[field] ?? null) === null ? "" : searchFor(setting, row[field])),
  flag: (row, _, ...only) => matches(row, only),
  health: (row, { common }, field) => common.health[row[field]] ?? row[field] ?? "",
  instant: (row, _, field) => ({ at: row[field] ?? null }),
  is_skewed: (row, _, field) => Math.abs(row[field] ?? 0) >= SKEW_LIMIT_S,
  link: (row, setting, name, field) => linkTo(setting, name, row[field]),
  listed: (row, _, field, count = "") => {
    const names = row[field] ?? [];
    const rest = Math.max(names.length, row[count] ?? 0) - LISTED;
    return names.slice(0, LISTED).join(", ") + (rest > 0 ? ` +${rest}` : "");
  },
  load: (row, _, field, which = "") => {
    const load = row[field] ?? [];
    if (which === "all") return load.map(hundredths).join(" ");
    return load.length ? hundredths(load[0]) : format.NONE;
  },
  name: (row, _, field, part) => {
    if (!row[field]) return "";
    const [first, last] = part === "node" || part === "host" ? format.worker(row[field]) : format.name(row[field]);
    return part === "node" || part === "module" ? first : last;
  },
  number: (row, _, ...fields) => format.number(fields.map((field) => row[field]).find((value) => value !== null && value !== undefined) ?? null),
  offset: (row, _, field) => format.offset(row[field] ?? null),
  pairs: (row, _, field) => pairsOf(row[field]),
  phrase: (row, { words }, field) => plain(row[field] ?? "", words) || (row[field] ?? ""),
  rate: (row, _, field) => rate(row[field]),
  raw: (row, { words }, field) => (plain(row[field] ?? "", words) ? row[field] : ""),
  reason: (row, { words, common }, field, detail) => {
    const told = words[`reason_${row[field]}`] ?? "";
    return !told || told.includes("%(more)s") ? said(textOf(row[detail]), common.said) : told;
  },
  said: (row, { common }, field) => said(textOf(row[field]), common.said),
  search: (row, setting, key, field, ...terms) => (row[field] ? searchFor(setting, term(key, row[field]), ...terms) : ""),
  share: (row, setting, ...fields) => {
    const of = fields.pop();
    return fields.length ? geometry.share(sumOf(row, fields), row[of] ?? 0) : geometry.share(row[of] ?? 0, setting.most[of] ?? 0);
  },
  short: (row, _, field) => format.id(textOf(row[field])),
  sum: (row, _, ...fields) => {
    const of = fields.pop();
    return `${format.number(sumOf(row, fields))} / ${format.number(row[of] ?? 0)}`;
  },
  target: (row, setting, kind, field) => (row[kind] === "query" ? FORMS.find?.(row, setting, field) : linkTo(setting, row[kind], row[field])),
  text: (row, _, field) => textOf(row[field]),
  timeline: (row, _, field, places) => geometry.timeline(row[field] ?? [], Number(places)),
  use: (row, _, used, of) => (row[of] ? `${row[used] ?? 0}/${row[of]}` : String(row[used] ?? 0)),
  word: (row, { words }, field, prefix = field) => (row[field] ? (words[`${prefix}_${row[field]}`] ?? String(row[field])) : ""),
};
