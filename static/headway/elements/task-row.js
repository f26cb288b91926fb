/**
 * Writes a task into its row: only the cells whose text differs are touched.
 *
 * @typedef {import ("../types.js").TaskRow} TaskRow
 * @typedef {import ("../words.js").Words} Words
 */

import { field, part, setAttribute, setClock, setCounting, setInstant, setState, setText, show } from "../dom.js";
import * as format from "../format.js";
import * as outcome from "../outcome.js";
import { fill } from "../words.js";

/**
 * The two parts of a progress cell, of which one is shown.
 *
 * @param {Element|null} cell
 * @param {TaskRow} row
 * @param {Words} words
 * @param {number} now
 */
export function paintProgress(cell, row, words, now) {
  if (!cell) return;
  const bar = outcome.bar(row, words);
  show(part(cell, "bar"), bar !== null);
  show(part(cell, "note"), bar === null);
  if (bar) return paintBar(cell, bar, row, words, now);
  const note = outcome.note(row, words);
  setCounting(part(cell, "strong"), note.strong, outcome.at(note.strong, now));
  setCounting(part(cell, "text"), note.text, outcome.at(note.text, now));
  setAttribute(part(cell, "note"), "title", `${outcome.at(note.strong, now)} ${note.text.text}`.trim() || null);
}

/**
 * @param {Element} cell
 * @param {import ("../outcome.js").Bar} bar
 * @param {TaskRow} row
 * @param {Words} words
 * @param {number} now
 */
function paintBar(cell, bar, row, words, now) {
  const percent = bar.percent === null ? null : Math.floor(Math.min(100, Math.max(0, bar.percent)));
  const progress = cell.querySelector("progress");
  part(cell, "bar")?.classList.toggle("ind", percent === null);
  setAttribute(progress, "value", percent === null ? null : String(percent));
  setAttribute(progress, "aria-label", fill(words.notes.progress_of, { name: format.name(row.name)[1] }));
  show(part(cell, "percent"), percent !== null);
  setText(part(cell, "percent"), percent === null ? "" : `${percent}%`);
  setCounting(part(cell, "detail"), bar.detail, outcome.at(bar.detail, now));
  setAttribute(part(cell, "detail"), "title", bar.title || null);
}

/**
 * A task's name: its module quiet, its function strong; a task without one shows its id.
 *
 * @param {Element|null} element with a `<span>` for the module before the text
 * @param {TaskRow} row
 */
export function paintName(element, row) {
  if (!element) return;
  const [module, name] = row.name ? format.name(row.name) : ["", format.id(row.id)];
  if (element.textContent === module + name) return;
  const quiet = element.querySelector("span") ?? document.createElement("span");
  quiet.textContent = module;
  element.replaceChildren(quiet, name);
}

/**
 * @param {Element} element
 * @param {TaskRow} row
 */
function paintRuntime(element, row, /** @type {number} */ now) {
  const since = outcome.runningSince(row);
  setAttribute(element, "data-since", since === null ? null : String(since));
  setText(element, format.duration(since === null ? row.runtime : now - since));
}

/**
 * @param {HTMLElement} tr
 * @param {TaskRow} row
 * @param {{words: Words, now: number, url: string}} context `url`: of the task's page
 * @returns {boolean} whether its state is another than before
 */
export function paintTask(tr, row, { words, now, url }) {
  const { state, word } = format.look(row);
  const isOther = tr.dataset.state !== state;
  for (const [name, value] of [["data-id", row.id], ["data-status", row.status], ["data-conclusion", row.conclusion ?? ""], ["data-state", state]]) {
    setAttribute(tr, /** @type {string} */ (name), /** @type {string} */ (value));
  }
  setState(field(tr, "state"), state, words.states[state] ?? word);
  const link = field(tr, "name");
  paintName(link, row);
  setAttribute(link, "href", url);
  setAttribute(link, "title", row.name ?? row.id);
  setText(field(tr, "args"), format.args(row.args, row.kwargs));
  setText(field(tr, "where"), [row.queue, row.worker].filter(Boolean).join(" · "));
  paintProgress(field(tr, "progress"), row, words, now);
  setText(field(tr, "queue"), row.queue || format.NONE);
  setText(field(tr, "worker"), row.worker ? format.worker(row.worker)[0] : format.NONE);
  setAttribute(field(tr, "worker"), "title", row.worker ?? "");
  setText(field(tr, "wait"), format.duration(row.wait));
  const runtime = field(tr, "runtime");
  if (runtime) paintRuntime(runtime, row, now);
  paintAge(field(tr, "age"), row.first_seen_at, now);
  paintMore(tr, row);
  return isOther;
}

/**
 * The columns that are there only for who chose them.
 *
 * @param {HTMLElement} tr
 * @param {TaskRow} row
 */
function paintMore(tr, row) {
  for (const [name, text] of /** @type {[string, string|null][]} */ ([["label", row.label], ["owner", row.owner]])) {
    setText(field(tr, name), text || format.NONE);
    setAttribute(field(tr, name), "title", text || format.NONE);
  }
  setText(field(tr, "id"), format.id(row.id));
  setAttribute(field(tr, "id"), "title", row.id);
  setText(field(tr, "priority"), format.number(row.priority));
  setText(field(tr, "retries"), format.number(row.retries));
  for (const [name, at] of /** @type {[string, number|null][]} */ ([["sent", row.sent_at], ["finished", row.finished_at]])) {
    const time = field(tr, name);
    if (!time) continue;
    setClock(time, at);
    if (at === null) setText(time, format.NONE);
  }
  const failure = field(tr, "exception");
  if (!failure) return;
  const [kind, message] = format.exception(row.exception ?? "");
  setText(part(failure, "kind"), kind || format.NONE);
  setText(part(failure, "message"), message);
  setAttribute(failure, "title", message);
}

/**
 * Whether a row is selected, and the box that says so where there is one.
 *
 * @param {HTMLElement} tr
 * @param {TaskRow} row
 * @param {boolean} isSelected
 * @param {Words} words
 */
export function paintPick(tr, row, isSelected, words) {
  setAttribute(tr, "aria-selected", String(isSelected));
  const box = tr.querySelector("[data-pick]");
  if (!(box instanceof HTMLInputElement)) return;
  box.checked = isSelected;
  setAttribute(box, "aria-label", fill(words.actions.select, { name: row.name ?? row.id }));
}

/**
 * @param {Element|null} time
 * @param {number} at
 * @param {number} now
 */
export function paintAge(time, at, now) {
  if (time?.getAttribute("data-age") !== String(at)) {
    setAttribute(time, "data-age", String(at));
    setInstant(time, at);
  }
  setText(time, format.age(now - at));
}
