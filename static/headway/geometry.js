/**
 * Small drawings as numbers: what an SVG of a page is made of. `dashboard/geometry.py` draws the
 * same; `tests/vectors/geometry.json` holds both to it.
 *
 * Lengths are in percent of the width, and in units of a drawing 32 high.
 *
 * @typedef {{line: string, area: string}} Line SVG path data
 * @typedef {{x: string, width: string, y: string, height: string, is_none: boolean}} Bar
 */

export const HEIGHT = 32;
/** Room above the highest point, so that half of its stroke is not cut off. */
const TOP = 1;
/** Of the room that a bar has. */
const FILLED = 0.72;
/** Ends of the logarithmic scale: 10 ms to 1000 s, five decades. */
const SHORTEST_S = 0.01;
const LONGEST_S = 1000;

/**
 * One digit after the point, cut from the same whole number in both languages.
 *
 * @param {number} value
 */
function tenths(value) {
  const whole = Math.floor(value * 10 + 0.5);
  return `${Math.floor(whole / 10)}.${whole % 10}`;
}

/**
 * A line over the whole width, from 0 to the highest of the values.
 *
 * @param {number[]} values
 * @returns {Line}
 */
export function line(values) {
  return values.length > 1 ? timeline(values, values.length) : { line: "", area: "" };
}

/**
 * A line from 0 to the highest of the values that ends at the right, where the whole width has so
 * many places; with a gap where nothing is known.
 *
 * @param {(number|null)[]} values
 * @param {number} places
 * @returns {Line}
 */
export function timeline(values, places) {
  const most = Math.max(1, ...values.map((value) => value ?? 0));
  const drawn = runs(values).map((run) => {
    const across = run.map(([place]) => tenths((100 * (places - values.length + place)) / (places - 1)));
    const points = run.map(([, value], n) => `${across[n]},${tenths(HEIGHT - 1 - ((HEIGHT - 1 - TOP) * Math.max(0, value)) / most)}`);
    const path = `M${points.join(" ")}`;
    // What is known of one place alone is a dot.
    return { line: run.length > 1 ? path : `${path}h0`, area: `${path} L${across.at(-1)},${HEIGHT} L${across[0]},${HEIGHT}Z` };
  });
  return { line: drawn.map(({ line: path }) => path).join(" "), area: drawn.map(({ area }) => area).join(" ") };
}

/**
 * The values that follow each other without a gap, each with its place.
 *
 * @param {(number|null)[]} values
 */
function runs(values) {
  /** @type {[number, number][][]} */
  const found = [];
  for (const [place, value] of values.entries()) {
    if (value === null) continue;
    if ((values[place - 1] ?? null) === null) found.push([]);
    found.at(-1)?.push([place, value]);
  }
  return found;
}

/**
 * One bar for each value, as high as its share of the highest.
 *
 * @param {number[]} values
 * @returns {Bar[]}
 */
export function bars(values) {
  const most = Math.max(...values, 1);
  const width = values.length ? 100 / values.length : 0;
  return values.map((value, place) => {
    const height = Math.max(1, (HEIGHT * value) / most);
    return { x: `${tenths(width * place)}%`, width: `${tenths(width * FILLED)}%`, y: tenths(HEIGHT - height), height: tenths(height), is_none: value <= 0 };
  });
}

/**
 * Where a duration lies on the logarithmic scale, as `43.1%`; empty for null.
 *
 * @param {number|null|undefined} seconds
 */
export function logShare(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const within = Math.min(LONGEST_S, Math.max(SHORTEST_S, seconds));
  return `${tenths((100 * Math.log10(within / SHORTEST_S)) / Math.log10(LONGEST_S / SHORTEST_S))}%`;
}

/**
 * `18.4%` of the most; never more than all.
 *
 * @param {number} value
 * @param {number} most
 */
export function share(value, most) {
  return `${tenths(most > 0 ? Math.min(100, (100 * value) / most) : 0)}%`;
}
