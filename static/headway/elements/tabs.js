/** The counts on the state tabs, as they change. */

import { setText, show } from "../dom.js";
import * as format from "../format.js";

/**
 * @param {ParentNode} root
 * @param {import ("../types.js").Counts} counts
 */
export function paintTabs(root, counts) {
  for (const tab of root.querySelectorAll("a[data-tab]")) {
    const count = counts[tab.getAttribute("data-tab") ?? ""] ?? [0, false];
    setText(tab.querySelector("b"), format.capped(count));
    if (tab.hasAttribute("data-rare")) show(tab, count[0] > 0 || tab.hasAttribute("aria-current"));
  }
}
