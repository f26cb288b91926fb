/**
 * Two lanes on one time axis, drawn by uPlot: what finished as an area, what failed as bars below
 * it, where one percent of the throughput is still to be seen.
 *
 * @typedef {ReturnType<typeof import ("./chart-data.js").columns>} Columns
 * @typedef {Record<"text"|"muted"|"line"|"surface"|"finished"|"area"|"failed"|"gap"|"edge", string>} Ink
 * @typedef {{ink: () => Ink, columns: () => Columns, gaps: () => import ("./chart-data.js").Gap[],
 *   now: () => number, view: () => [number, number],
 *   font: string, onCursor: (index: number|null) => void, onSelect: (from: number, until: number) => void,
 *   onReset: () => void}} Outside
 */

import * as format from "./format.js";
import uPlot from "./vendor/uPlot.esm.js";

export const HEIGHT = 280;
const DAY_S = 86_400;
/** Of the height: the upper lane, and the lower one. */
const UPPER = 0.66;
const LOWER = 0.23;
const UPPER_LINES = 3;
const LOWER_LINES = 2;
/** A drag this short was a click. */
const LEAST_DRAG = 6;
/** A label nearer to the end than this would be cut. */
const EDGE = 14;
const INCREMENTS_S = [60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY_S, 2 * DAY_S];

/** @param {(number|null)[]} values */
const highest = (values) => values.reduce((/** @type {number} */ top, value) => Math.max(top, value ?? 0), 0);

/**
 * A round number not below `most` that divides into whole steps, and those steps.
 *
 * @param {number} most
 * @param {number} lines how many steps at most
 * @returns {{top: number, ticks: number[]}}
 */
export function scale(most, lines) {
  const least = Math.max(1, most) / lines;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= least) ?? least);
  const top = Math.ceil(Math.max(1, most) / step) * step;
  return { top, ticks: Array.from({ length: Math.round(top / step) + 1 }, (_, place) => place * step) };
}

/**
 * Where the two lanes lie: each scale reaches beyond its lane.
 *
 * @param {(number|null)[]} finished
 * @param {number[]} failed
 */
export function lanes(finished, failed) {
  const upper = scale(highest(finished), UPPER_LINES);
  const lower = scale(highest(failed), LOWER_LINES);
  const low = /** @type {[number, number]} */ ([0, lower.top / LOWER]);
  const high = /** @type {[number, number]} */ ([(-upper.top * (1 - UPPER)) / UPPER, upper.top]);
  const place = (/** @type {number} */ tick) => high[0] + (tick / low[1]) * (high[1] - high[0]);
  const marks = [...lower.ticks.map((tick) => ({ at: place(tick), tick })), ...upper.ticks.map((tick) => ({ at: tick, tick }))];
  return { low, high, marks };
}

/**
 * Whether a place in the plot (0 at its top, 1 at its bottom) is in the lane of what failed.
 *
 * @param {number} share
 */
export const isLower = (share) => share > UPPER + (1 - UPPER - LOWER) / 2;

/**
 * What stands below a tick of the time axis: the day at midnight, else the time.
 *
 * @param {number} at
 * @param {string} [zone]
 */
export function tickText(at, zone) {
  const text = format.minute(at, zone);
  return text === "00:00" ? format.moment(at, zone).replace(/ \d\d:\d\d$/, "") : text;
}

/**
 * @param {HTMLElement} parent
 * @param {Outside} outside
 */
export function draw(parent, outside) {
  const { ink } = outside;
  let [times, finished, failed] = outside.columns();
  let fit = lanes(finished, failed);
  const options = {
    width: parent.clientWidth,
    height: HEIGHT,
    padding: /** @type {[number, number, number, number]} */ ([12, 4, 0, 0]),
    legend: { show: false },
    cursor: {
      y: false,
      move: (/** @type {uPlot} */ u, /** @type {number} */ left, /** @type {number} */ top) => [snapped(u, left), top],
      // Its own word for a drag does not know of a crosshair that snaps.
      drag: { x: true, y: false, setScale: false, dist: LEAST_DRAG, click: () => {} },
      points: { fill: () => ink().surface, stroke: () => ink().finished, show: (/** @type {uPlot} */ _, /** @type {number} */ n) => point(n) },
      bind: { dblclick: () => () => { outside.onReset(); return null; } },
    },
    scales: {
      x: { time: true, range: () => outside.view() },
      y: { range: () => fit.high },
      low: { range: () => fit.low },
    },
    axes: [
      {
        stroke: () => ink().muted, font: outside.font, size: 28, gap: 10, space: 64, incrs: INCREMENTS_S,
        grid: { show: false }, ticks: { show: false },
        values: (/** @type {uPlot} */ u, /** @type {number[]} */ splits) => splits.map((at) => (isCut(u, at, outside.view()) ? "" : tickText(at))),
      },
      {
        stroke: () => ink().muted, font: outside.font, size: () => axisWidth(fit.marks), gap: 6,
        grid: { stroke: () => ink().line, width: 1 }, ticks: { show: false },
        splits: () => fit.marks.map((mark) => mark.at),
        values: () => fit.marks.map((mark) => format.number(mark.tick)),
      },
    ],
    series: [
      {},
      { scale: "y", stroke: () => ink().finished, fill: () => ink().area, fillTo: 0, width: 1.5, points: { show: false } },
      {
        scale: "low", fill: () => ink().failed, stroke: () => ink().failed, width: 0, points: { show: false },
        paths: uPlot.paths.bars?.({ size: [0.72, 24], align: 0 }),
      },
    ],
    hooks: {
      drawAxes: [(/** @type {uPlot} */ plot) => drawGaps(plot, outside)],
      setCursor: [(/** @type {uPlot} */ plot) => outside.onCursor((plot.cursor.left ?? -1) < 0 ? null : (plot.cursor.idx ?? null))],
      setSelect: [(/** @type {uPlot} */ plot) => select(plot, outside)],
    },
  };
  const plot = new uPlot(/** @type {any} */ (options), [times, finished, failed], parent);
  return {
    plot,
    /** Draws the data as they are now. */
    update() {
      [times, finished, failed] = outside.columns();
      fit = lanes(finished, failed);
      plot.setData([times, finished, failed]);
    },
  };
}

/**
 * Where the nearest point stands.
 *
 * @param {uPlot} plot
 * @param {number} left
 */
function snapped(plot, left) {
  const at = left < 0 ? undefined : plot.data[0][plot.posToIdx(left)];
  return at === undefined ? left : plot.valToPos(at, "x");
}

/** @param {number} series only the area has a point on it */
function point(series) {
  const element = document.createElement("div");
  element.hidden = series !== 1;
  return element;
}

/**
 * Whether the label below an instant would be cut at the end.
 *
 * @param {uPlot} plot
 * @param {number} at
 * @param {[number, number]} view
 */
const isCut = (plot, at, [from, until]) => ((until - at) / (until - from)) * plot.width < EDGE;

/** @param {{tick: number}[]} marks */
const axisWidth = (marks) => 16 + 7 * Math.max(...marks.map((mark) => format.number(mark.tick).length));

/**
 * @param {uPlot} plot
 * @param {Outside} outside
 */
function select(plot, outside) {
  const { left, width } = plot.select;
  if (width < LEAST_DRAG) return;
  outside.onSelect(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
}

/**
 * Times in which nothing was heard: a tint between two dashed lines.
 *
 * @param {uPlot} plot
 * @param {Outside} outside
 */
function drawGaps(plot, outside) {
  const { ctx, bbox } = plot;
  const [first, last] = outside.view();
  ctx.save();
  for (const [from, until] of outside.gaps()) {
    const begin = Math.max(first, from);
    const end = Math.min(last, until ?? outside.now());
    if (begin >= end) continue;
    const x = Math.round(plot.valToPos(begin, "x", true));
    const width = Math.max(2, Math.round(plot.valToPos(end, "x", true)) - x);
    ctx.fillStyle = outside.ink().gap;
    ctx.fillRect(x, bbox.top, width, bbox.height);
    ctx.strokeStyle = outside.ink().edge;
    ctx.setLineDash([4, 4]);
    ctx.strokeRect(x + 0.5, bbox.top - 1, width, bbox.height + 2);
  }
  ctx.restore();
}
