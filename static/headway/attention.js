/** What the navigation counts, as it changes: groups of failures that nobody has looked after. */

import { setAttribute, setText, show } from "./dom.js";
import * as format from "./format.js";
import { storeSource } from "./sources.js";
import { Store } from "./store.js";
import { fill } from "./words.js";

/** @typedef {{id: string, open_failures: number, is_capped: boolean}} Attention */

/** @param {import ("./page.js").Page} page */
export function listenForAttention({ feed, words }) {
  const place = document.querySelector("[data-open-failures]");
  if (!place) return;
  /** @type {Store<any>} */
  const store = new Store((row) => row.id);
  store.listen(() => {
    const row = /** @type {Attention|undefined} */ (store.get("attention"));
    if (!row) return;
    const count = format.capped([row.open_failures, row.is_capped]);
    setText(place, row.open_failures ? count : "");
    setAttribute(place, "title", row.open_failures ? fill(words.page.open_failures, { count }) : null);
    show(place, row.open_failures > 0);
  });
  feed.open(storeSource(store, () => ({ of: "attention" }), () => {}));
}
