/** Copying whole ids, whatever part of them is shown. */

/**
 * @param {string} text
 * @param {{words: import ("../words.js").Words, announce: (text: string) => void}} page
 */
export async function copyText(text, { words, announce }) {
  try {
    await navigator.clipboard.writeText(text);
    announce(words.page.copied ?? "");
  } catch {
    // Outside a secure context, or refused by the viewer: there is nothing else to try.
    announce(words.page.not_copied ?? "");
  }
}

/**
 * Makes every `data-copy="text"` and `data-copy-from="#element"` copy, now and later.
 *
 * @param {Document} root
 * @param {{words: import ("../words.js").Words, announce: (text: string) => void}} page
 */
export function listenForCopies(root, page) {
  root.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy], [data-copy-from]") : null;
    if (!(button instanceof HTMLElement)) return;
    const { copy, copyFrom } = button.dataset;
    const text = copy ?? (copyFrom ? root.querySelector(copyFrom)?.textContent : "");
    if (text) copyText(text, page);
  });
}
