/**
 * What is shown while nothing is heard says as of when.
 */

import { setText, show } from "./dom.js";
import * as format from "./format.js";
import { fill } from "./words.js";

/**
 * @param {Element|null} stamp
 * @param {import ("./page.js").Page} page
 * @returns {() => void} ends it
 */
export function stampTime(stamp, { feed, words }) {
  return feed.watch(() => {
    const { phase, heardAt } = feed.status;
    const isCut = heardAt !== null && (phase === "waiting" || phase === "stopped");
    if (isCut) setText(stamp, fill(words.stream.as_of, { time: format.clock(heardAt) }));
    if (phase !== "connecting") show(stamp, isCut);
  });
}
