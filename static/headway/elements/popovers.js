/** What opens over a page closes again when somebody goes on elsewhere. */

const OPEN = "details[open]:has(> .pop, > .hw-pop)";

/** @param {Document} root */
export function listenForPopovers(root) {
  root.addEventListener("pointerdown", (event) => {
    for (const details of root.querySelectorAll(OPEN)) {
      if (!(event.target instanceof Node && details.contains(event.target))) details.removeAttribute("open");
    }
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const details of root.querySelectorAll(OPEN)) {
      const hadFocus = details.contains(root.activeElement);
      details.removeAttribute("open");
      if (hadFocus) details.querySelector("summary")?.focus();
    }
  });
}
