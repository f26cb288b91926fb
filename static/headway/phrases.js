/**
 * Schedules in plain words: `every 5 min`, `every day at 04:00`. `dashboard/phrases.py` writes the
 * same; `tests/vectors/phrases.json` holds both to it.
 */

import { fill } from "./words.js";

const EVERY = /^(?:every|freq:) (\d+(?:\.\d+)?) (second|minute|hour|day)s?$/;
const CRONTAB = /^crontab: (\S+) (\S+) (\S+) (\S+) (\S+) \(m\/h\/dM\/MY\/d\)(?: .*)?$/;
const STEP = /^\*\/([1-9]\d?)$/;
const NUMBER = /^\d{1,2}$/;
const RANGE = /^(\w+)-(\w+)$/;
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** @typedef {Record<string, string>} Words those of `WORDS` in phrases.py */

/** @param {string} text */
const two = (text) => String(Number(text)).padStart(2, "0");

/** @param {string} hour @param {string} minute */
const time = (hour, minute) => `${two(hour)}:${two(minute)}`;

/**
 * The schedule in words; empty where it has no common form.
 *
 * @param {string} schedule what Celery writes of it
 * @param {Words} words
 */
export function plain(schedule, words) {
  const [, count, unit] = EVERY.exec(schedule) ?? [];
  if (count && unit) return every(count, unit, words);
  const found = CRONTAB.exec(schedule);
  return found ? crontab(found.slice(1), words) : "";
}

/** @param {string} count @param {string} unit @param {Words} words */
function every(count, unit, words) {
  const number = count.includes(".") ? count.replace(/\.?0+$/, "") : count;
  return number === "1" ? (words[`each_${unit}`] ?? "") : fill(words[`every_${unit}`], { count: number });
}

/** @param {string[]} fields @param {Words} words */
function crontab([minute = "", hour = "", day = "", month = "", weekday = ""], words) {
  if (month !== "*") return "";
  if (day === "*" && weekday === "*") return byClock(minute, hour, words);
  if (!NUMBER.test(minute) || !NUMBER.test(hour)) return "";
  const at = time(hour, minute);
  if (weekday === "*") return NUMBER.test(day) ? fill(words.monthly_at, { day: Number(day), time: at }) : "";
  const days = day === "*" ? daysOf(weekday, words) : "";
  return days ? fill(words.weekly_at, { days, time: at }) : "";
}

/** @param {string} minute @param {string} hour @param {Words} words */
function byClock(minute, hour, words) {
  const step = STEP.exec(minute);
  if (hour === "*" && (minute === "*" || step)) return every(step?.[1] ?? "1", "minute", words);
  if (!NUMBER.test(minute)) return "";
  if (hour === "*") return fill(words.hourly_at, { minute: two(minute) });
  const hours = STEP.exec(hour);
  if (hours) return fill(words.hours_at, { count: hours[1] ?? "", minute: two(minute) });
  return NUMBER.test(hour) ? fill(words.daily_at, { time: time(hour, minute) }) : "";
}

/** @param {string} text @param {Words} words */
function daysOf(text, words) {
  const named = text.split(",").map((part) => dayOrRange(part, words));
  return named.every(Boolean) ? named.join(", ") : "";
}

/** @param {string} text @param {Words} words */
function dayOrRange(text, words) {
  const both = RANGE.exec(text);
  if (!both) return dayOf(text, words);
  const [first, last] = [dayOf(both[1] ?? "", words), dayOf(both[2] ?? "", words)];
  return first && last ? fill(words.day_range, { first, last }) : "";
}

/** @param {string} text @param {Words} words */
function dayOf(text, words) {
  const short = DAYS.indexOf(text.slice(0, 3).toLowerCase());
  const number = short >= 0 ? short : /^[0-6]$/.test(text) ? Number(text) : -1;
  return words[`day_${number}`] ?? "";
}
