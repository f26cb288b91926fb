/** The focus stays where somebody is, though what stands there is written anew, moved or taken away. */

const REACHABLE = "a[href], button, input, select, textarea, summary, [tabindex]";

/** @param {Element} root @returns {(HTMLElement|SVGElement)[]} what Tab stops at, in its order */
function reachable(root) {
  return [...root.querySelectorAll(REACHABLE)].filter((element) => element instanceof HTMLElement || element instanceof SVGElement)
    .filter((element) => element.tabIndex >= 0 && !element.matches(":disabled") && element.getClientRects().length > 0);
}

/** @param {Element} element by what it is told from its neighbours, and is not told from itself later on */
function nameOf(element) {
  const { id, localName, textContent } = element;
  const marks = ["name", "value", "href", "aria-label", "data-part", "data-act"].map((key) => element.getAttribute(key));
  return JSON.stringify([localName, id, marks, marks.some(Boolean) ? "" : textContent]);
}

/**
 * Notes where the focus is, before a part of the page changes.
 *
 * @param {Element} root the part
 * @returns {(now?: Element) => void} gives the focus back, if it was in there and is nowhere now: to
 *   the same control, to the one that looks like it, or to the one in its place. `now`: the part
 *   that stands for `root`
 */
export function keepFocus(root) {
  const had = document.activeElement;
  if (!had || had === root || !root.contains(had)) return () => {};
  const stops = reachable(root);
  const place = stops.findIndex((element) => element === had);
  const name = nameOf(had);
  return (now = root) => {
    const here = document.activeElement;
    // What is hidden keeps the focus until the next frame, and loses it then.
    if (here && here !== document.body && here.getClientRects().length > 0) return;
    const all = reachable(now);
    const next = all.find((element) => element === had) ?? all.find((element) => nameOf(element) === name)
      ?? all[Math.min(Math.max(place, 0), all.length - 1)];
    next?.focus({ preventScroll: true });
  };
}
