/** The keys that mean the same on every page. */

import { isTyping } from "../dom.js";

/** How long the second key of a pair may take. */
const PAIR_MS = 1500;

/** @param {Document} root */
function find(root) {
  const input = root.querySelector('headway-query input[name="query"]:not([type="hidden"])');
  if (input instanceof HTMLInputElement) return input.focus();
  const link = root.querySelector("[data-find]");
  if (link instanceof HTMLAnchorElement) link.click();
}

/** @param {Document} root */
function help(root) {
  const dialog = root.getElementById("keys");
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

/**
 * `/` to the query, `?` for help, `g` and a letter to another page.
 *
 * @param {Document} root
 */
export function listenForKeys(root) {
  let goUntil = 0;
  root.addEventListener("keydown", (event) => {
    if (isTyping(event)) return;
    if (event.timeStamp < goUntil) {
      goUntil = 0;
      const link = root.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (link instanceof HTMLAnchorElement) return link.click();
    }
    if (event.key === "g") goUntil = event.timeStamp + PAIR_MS;
    if (event.key === "?") help(root);
    if (event.key === "/") {
      event.preventDefault();
      find(root);
    }
  });
}
