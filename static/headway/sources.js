/**
 * A view on the feed that fills a store.
 *
 * @typedef {import ("./feed.js").Source} Source
 * @typedef {import ("./types.js").Refusal} Refusal
 */

/**
 * @param {import ("./store.js").Store<any>} store
 * @param {() => Record<string, unknown>} spec
 * @param {(refusal: Refusal) => void} refuse
 * @returns {Source}
 */
export function storeSource(store, spec, refuse) {
  return {
    spec,
    refuse,
    cursor: () => store.cursor,
    interrupt: () => store.interrupt(),
    receive: (frame, epoch) => (frame.op === "snapshot" ? store.snapshot(frame, epoch) : store.patch(frame, epoch)),
  };
}
