/**
 * Rows in, one row out that never goes backwards.
 *
 * @typedef {import ("./types.js").Row} Row
 */

/** Far enough apart that the old estimate was simply wrong. */
const JUMP = 0.5;
const WEIGHT = 0.3;

/**
 * Whether a row may take the place of the one held: by another transport an older one can come late.
 *
 * @param {{row: Row, epoch: string}|undefined} held
 * @param {Row} row
 * @param {string} epoch
 */
export const isNewer = (held, row, epoch) => !held || held.epoch !== epoch || (row.revision ?? 0) >= (held.row.revision ?? 0);

/**
 * The row with the progress that was shown before, where it tells less: another attempt begins at
 * nothing, and what waits has none.
 *
 * @param {Row|null} shown
 * @param {Row} row
 * @returns {Row}
 */
export function forward(shown, row) {
  const before = shown?.progress;
  if (typeof before?.percent !== "number") return row;
  const after = row.progress;
  if (typeof after?.percent === "number" && after.percent >= before.percent) return row;
  // What a group counts is true whatever the bar shows.
  const told = row.counts && after ? { ...after, percent: before.percent } : { ...before, message: after?.message ?? null };
  return { ...row, progress: told };
}

/**
 * A chain as one row: that of the task it is at, with the progress of the whole.
 *
 * @param {(Row|undefined)[]} rows in their order; undefined where nothing is known yet
 * @returns {Row|null}
 */
export function chain(rows) {
  if (rows.length === 1) return rows[0] ?? null;
  const open = rows.findIndex((row) => row?.conclusion !== "succeeded");
  const index = open < 0 ? rows.length - 1 : open;
  if (!rows.some(Boolean)) return null;
  const row = rows[index] ?? { status: "queued" };
  const own = open < 0 ? 100 : (row.progress?.percent ?? 0);
  const elapsed = rows.reduce((sum, each) => sum + (each?.elapsed_seconds ?? 0), 0);
  return {
    ...row,
    label: rows.find((each) => each?.label)?.label ?? null,
    eta_seconds: index === rows.length - 1 ? (row.eta_seconds ?? null) : null,
    usual_seconds: null,
    elapsed_seconds: elapsed || null,
    progress: {
      current: null, total: null, message: row.progress?.message ?? null,
      percent: (100 * index + own) / rows.length, step: index + 1, steps: rows.length,
    },
  };
}

/**
 * When it will be over, moved only part of the way to a new estimate: what counts down must not jump
 * to and fro.
 *
 * @param {number|null} endAt the estimate shown until now
 * @param {number|null|undefined} left seconds, by the newest row
 * @param {number} now
 */
export function settle(endAt, left, now) {
  if (typeof left !== "number") return null;
  const next = now + left;
  if (endAt === null || Math.abs(next - endAt) > JUMP * Math.max(left, 4)) return next;
  return endAt + WEIGHT * (next - endAt);
}
