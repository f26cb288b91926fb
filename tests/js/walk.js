/** What a walk by keyboard asks of a page: put into it by tests/js/keyboard.py, before anything else runs. */

/* global document, window, Element, ShadowRoot, HTMLElement, SVGElement, getComputedStyle, innerWidth, innerHeight, requestAnimationFrame, CSS */

// @ts-ignore: for the next question
window.keyboard = (() => {
  const CONTROLS = `a[href], button, input:not([type="hidden"]), select, textarea, summary, iframe, audio[controls],
    video[controls], [contenteditable="true"], [tabindex], [role="button"], [role="tab"], [role="option"], [role="menuitem"],
    [role="checkbox"], [role="switch"], [role="link"], [role="combobox"], [role="slider"]`;
  /** What the eye can tell a focus by. */
  const LOOKS = /** @type {const} */ (["outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderTopColor", "borderBottomWidth", "backgroundColor",
    "stroke", "strokeWidth", "fill", "textDecorationLine"]);

  /** @type {Element[]} */
  let known = [];
  /** @type {string[][]} */
  let plain = [];

  /** @param {ParentNode} root @returns {Generator<Element>} with what lies in shadow trees */
  function* all(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* all(element.shadowRoot);
    }
  }

  const active = () => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element;
  };

  /** @param {Element} outer @param {Node} inner */
  function contains(outer, inner) {
    /** @type {Node|null} */
    let node = inner;
    for (; node; node = node instanceof ShadowRoot ? node.host : node.parentNode) if (node === outer) return true;
    return false;
  }

  const isSeen = (/** @type {Element} */ element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })
    && element.getClientRects().length > 0;

  /** Where only a dialog answers, what lies under it is no control. */
  const isBehind = (/** @type {Element} */ element) => {
    const dialog = document.querySelector("dialog:modal");
    return dialog !== null && !contains(dialog, element);
  };

  const isControl = (/** @type {Element} */ element) => element.matches(CONTROLS) && !element.matches(":disabled") && isSeen(element) && !isBehind(element);

  /** Such is given the focus by script, as a place to read on from; nobody goes there. */
  const isPlace = (/** @type {Element} */ element) => element.getAttribute("tabindex") === "-1" && !element.matches("a[href], button, input, [role]");

  /** For the pointer alone, beside a control that does the same. */
  const isTwin = (/** @type {Element} */ element, /** @type {Element[]} */ others) => element.matches('a[tabindex="-1"][aria-hidden="true"]')
    && others.some((other) => other !== element && other.getAttribute("tabindex") !== "-1"
      && other.getAttribute("href") === element.getAttribute("href") && other.closest("li") === element.closest("li"));

  /** @param {Element} element */
  function told(element) {
    const name = element.getAttribute("aria-label") || (element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 40);
    const marks = [...element.attributes].filter(({ name: key }) => /^(id|name|type|role|data-part|data-act|href)$/.test(key));
    return `<${element.localName} ${marks.map(({ name: key, value }) => `${key}="${value.slice(0, 40)}"`).join(" ")}> ${name}`;
  }

  /** @param {Element} element */
  function labelOf(element) {
    const root = /** @type {Document|ShadowRoot} */ (element.getRootNode());
    return element.closest("label") ?? (element.id ? root.querySelector(`label[for="${CSS.escape(element.id)}"]`) : null);
  }

  /** The element and what stands around it: a field is often marked by the box that holds it. */
  /** @param {Element} element */
  function look(element) {
    const label = labelOf(element);
    const near = [element, element.parentElement, element.parentElement?.parentElement, label, ...[...element.children].slice(0, 3)];
    return near.filter((each) => each instanceof Element).map((each) => {
      const style = getComputedStyle(each);
      return LOOKS.map((key) => style[key]).join(" ");
    });
  }

  /** A part of it that one can see is not covered by anything else. */
  /** @param {Element} element */
  function isHit(element) {
    const label = labelOf(element);
    const parts = [...element.getClientRects(), ...(label?.getClientRects() ?? [])];
    return parts.some(({ left, right, top, bottom }) => {
      const x = (Math.max(left, 0) + Math.min(right, innerWidth)) / 2;
      const y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
      if (right < 1 || bottom < 1 || left > innerWidth - 1 || top > innerHeight - 1) return false;
      let hit = document.elementFromPoint(x, y);
      for (;;) {
        const inner = hit?.shadowRoot?.elementFromPoint(x, y);
        if (!inner || inner === hit) break;
        hit = inner;
      }
      return hit !== null && (contains(element, hit) || (label !== null && contains(label, hit)));
    });
  }

  const frame = () => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); });

  return {
    /** Every control that can be seen now, by a number; the focus is nowhere. */
    collect(/** @type {string} */ part) {
      const root = (part ? document.querySelector(part) : null) ?? document;
      const focused = active();
      if (!part && focused instanceof HTMLElement) focused.blur();
      const found = [...all(root)].filter((element) => isControl(element) && !isPlace(element));
      known = found.filter((element) => !isTwin(element, found));
      plain = known.map(look);
      return known.map((element) => ({
        told: told(element),
        isRoving: element.getAttribute("tabindex") === "-1",
        isOrdered: Number(element.getAttribute("tabindex") ?? 0) <= 0,
      }));
    },
    /** The elements that a listener of their own makes controls, by the names of its events. */
    listening: () => [...all(document)].filter(isSeen),
    isReachable: (/** @type {Element} */ element) => [element, ...all(element)].some((each) => known.includes(each)) || known.some((each) => contains(each, element)),
    told,
    /** Where the focus is, and whether one can see that it is there. */
    async here() {
      const element = active();
      if (!element || element === document.body || element === document.documentElement) return { place: -1, told: "" };
      const place = known.indexOf(element);
      const before = plain[place];
      const isMarked = () => before === undefined || look(element).some((each, at) => each !== before[at]);
      if (!isHit(element) || !isMarked()) await frame();
      const { left, top, bottom } = element.getBoundingClientRect();
      // What scrolls by itself moves what is in it.
      const isInMain = element.closest("main") !== null && element.closest(".scroll") === null;
      return { place, told: told(element), isMarked: isMarked(), isHit: isHit(element), box: isInMain ? { left, top, bottom } : null,
        y: window.scrollY };
    },
    focus(/** @type {number} */ place) {
      const element = known[place];
      if (element instanceof HTMLElement || element instanceof SVGElement) element.focus();
    },
  };
})();
