/**
 * What happens when the server was updated under an open page: it says so, and reloads itself
 * only when nobody would notice.
 */

import { part, setText, show } from "./dom.js";

/** Nobody at the page for this long. */
const IDLE_MS = 5 * 60 * 1000;
const CHECK_MS = 10_000;

/**
 * Whether a reload would take nothing from anybody.
 *
 * @param {{isHidden: boolean, idleMs: number, isTyping: boolean, isSelecting: boolean}} state
 */
export function mayReload({ isHidden, idleMs, isTyping, isSelecting }) {
  return !isTyping && !isSelecting && (isHidden || idleMs >= IDLE_MS);
}

/** A half-typed query, or an open dialog. */
function isBusy() {
  const inputs = [...document.querySelectorAll("main input:not([type=hidden]), main textarea")];
  const isHalfTyped = inputs.some((input) => (input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement) && input.value !== input.defaultValue);
  return isHalfTyped || document.querySelector("dialog[open]") !== null;
}

/**
 * @param {import ("./page.js").Page} page
 */
export function listenForUpdates({ feed, ticker, words, announce }) {
  let usedAt = performance.now();
  let isOld = false;
  for (const kind of ["pointermove", "keydown", "scroll"]) addEventListener(kind, () => { usedAt = performance.now(); }, { passive: true });

  const check = () => {
    const state = {
      isHidden: document.hidden,
      idleMs: performance.now() - usedAt,
      isTyping: isBusy(),
      isSelecting: document.querySelector('[aria-selected="true"]') !== null || String(getSelection() ?? "") !== "",
    };
    if (mayReload(state)) location.reload();
  };

  feed.onhello = (hello) => {
    ticker.align(typeof hello.server_time === "number" ? hello.server_time : Date.parse(hello.server_time) / 1000);
    const ours = document.body.dataset.assets;
    if (isOld || !ours || !hello.assets || hello.assets === ours) return;
    isOld = true;
    const notice = document.querySelector("[data-notice]");
    if (notice) setText(part(notice, "text"), words.stream.updated ?? "");
    show(notice, true);
    notice?.querySelector("[data-reload]")?.addEventListener("click", () => location.reload());
    announce(words.stream.updated ?? "");
    setInterval(check, CHECK_MS);
  };
}
