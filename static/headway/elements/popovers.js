/** What opens over a page closes again when somebody goes on elsewhere. */

const OPEN = "details[open]:has(> .pop, > .hw-pop)";

/**
 * @param {Document} root
 * @param {ParentNode} [ours] the part of a host's page whose popovers are ours
 */
export function listenForPopovers(root, ours = root) {
  root.addEventListener("pointerdown", (event) => {
    for (const details of ours.querySelectorAll(OPEN)) {
      if (!(event.target instanceof Node && details.contains(event.target))) details.removeAttribute("open");
    }
  });
  // Tab leads out of it: it must not lie over what has the focus then.
  root.addEventListener("focusin", (event) => {
    for (const details of ours.querySelectorAll(OPEN)) {
      if (event.target instanceof Node && !details.contains(event.target)) details.removeAttribute("open");
    }
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || root.querySelector("dialog:modal")) return;
    for (const details of ours.querySelectorAll(OPEN)) {
      const hadFocus = details.contains(root.activeElement);
      details.removeAttribute("open");
      if (hadFocus) details.querySelector("summary")?.focus();
      // One press closes one thing: the page below keeps its selection, and what is unfolded in it.
      event.preventDefault();
    }
  });
}
