/**
 * The one script of a page: makes what its elements share, and defines them.
 */

import { listenForAttention } from "./attention.js";
import { localise, pageData, rememberZone } from "./dom.js";
import { ActionsElement } from "./elements/actions.js";
import { BadgeElement } from "./elements/badge.js";
import { ChartElement } from "./elements/chart.js";
import { ColumnsElement } from "./elements/columns.js";
import { listenForCopies } from "./elements/copy.js";
import { FailuresElement } from "./elements/failures.js";
import { GraphElement } from "./elements/graph.js";
import { listenForKeys } from "./elements/keys.js";
import { OverviewElement } from "./elements/overview.js";
import { listenForPopovers } from "./elements/popovers.js";
import { QueryElement } from "./elements/query.js";
import { RunsElement } from "./elements/runs.js";
import { SavedElement } from "./elements/saved.js";
import { paintTabs } from "./elements/tabs.js";
import { TaskListElement } from "./elements/task-list.js";
import { TaskElement } from "./elements/task.js";
import { listenForTheme } from "./elements/theme.js";
import { ToldTableElement } from "./elements/told-table.js";
import { workerList } from "./elements/worker-list.js";
import { speak } from "./format.js";
import { openPage, startPage } from "./live.js";
import { listenForUpdates } from "./update.js";
import { listenForVisits } from "./visit.js";

/** @param {string} name */
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? null;

/** @param {string} path */
function start(path) {
  const page = openPage(path);
  listenForUpdates(page);
  listenForCopies(document, page);
  document.addEventListener("headway:counts", (event) => paintTabs(document, /** @type {CustomEvent} */ (event).detail.counts));

  customElements.define("headway-actions", ActionsElement);
  customElements.define("headway-badge", BadgeElement);
  customElements.define("headway-chart", ChartElement);
  customElements.define("headway-failures", FailuresElement);
  customElements.define("headway-columns", ColumnsElement);
  customElements.define("headway-overview", OverviewElement);
  customElements.define("headway-graph", GraphElement);
  customElements.define("headway-query", QueryElement);
  customElements.define("headway-runs", RunsElement);
  customElements.define("headway-saved", SavedElement);
  customElements.define("headway-task-list", TaskListElement);
  customElements.define("headway-task", TaskElement);
  customElements.define("headway-told-table", ToldTableElement);
  customElements.define("headway-worker-list", workerList(ToldTableElement));
  listenForAttention(page);
  startPage(page);
}

speak(document.documentElement.lang, pageData("headway-words")?.page?.unnamed);
localise(document);
rememberZone(document, meta("headway-root") ?? "/");
// On a phone the places are wider than the page.
document.querySelector(".hw-top nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
listenForTheme(document, meta("headway-root") ?? "/");
listenForKeys(document);
listenForPopovers(document);
listenForVisits();
const path = meta("headway-live");
if (path !== null) start(path);
