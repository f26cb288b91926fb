/**
 * What the elements of a page share. `app.js` makes it before it defines them.
 *
 * @typedef {{feed: import ("./feed.js").Feed, ticker: import ("./ticker.js").Ticker,
 *   words: import ("./words.js").Words, announce: (text: string) => void}} Page
 */

/** An element that takes part in a live page. */
export class PageElement extends HTMLElement {
  /** @type {Page|null} */
  static page = null;

  /** @returns {Page} */
  get page() {
    if (!PageElement.page) throw new Error("PageElement.page is set before the elements are defined");
    return PageElement.page;
  }
}
