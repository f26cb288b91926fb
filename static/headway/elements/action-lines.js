/**
 * The lines in the dialog of actions: what it will hit, and what came of each.
 *
 * @typedef {import ("../words.js").Words} Words
 */

import { icon, make } from "../dom.js";
import * as format from "../format.js";
import { fill } from "../words.js";

/**
 * A state's icon and a text.
 *
 * @param {string} tag
 * @param {string} state
 * @param {string} text
 */
const stated = (tag, state, text) => make(tag, { class: "hw-state", "data-state": state }, icon(state), text);

/**
 * One task.
 *
 * @param {{id: string, name: string, state: string}} target
 * @param {Words} words
 */
export function named({ id, name, state }, words) {
  return [make("p", {}, stated("span", state, words.states[state] ?? state), " ", make("b", {}, name || format.id(id))), make("code", {}, id)];
}

/**
 * Many tasks: how many in which state, and with which names.
 *
 * @param {{state: string, word: string, count: string}[]} byState
 * @param {[string, number][]} byName
 */
export function numbered(byState, byName) {
  const states = byState.map(({ state, word, count }) => stated("li", state, `${count} ${word}`));
  const names = byName.map(([name, count]) => make("li", {}, make("span", { class: "hw-cut" }, name || format.NONE), make("b", {}, format.number(count))));
  return [make("ul", { class: "states" }, ...states), make("ul", { class: "names" }, ...names)];
}

/**
 * Something that has to be known before.
 *
 * @param {string} text
 */
export const warning = (text) => make("li", {}, icon("warn"), make("span", {}, text));

/**
 * What came of one task of an operation.
 *
 * @param {any} entry of the audit
 * @param {Words} words
 * @param {(id: string) => string} urlOf
 */
export function outcome({ target, name, outcome: kind, detail, new_id: id }, { actions: words }, urlOf) {
  const link = make("a", { class: "hw-link", href: urlOf(target), title: target }, `${name ? format.name(name)[1] : ""} ${format.id(target)}`.trim());
  const line = make("li", {}, link, ` ${words[`is_${kind}`] ?? kind}`);
  if (detail) line.append(make("span", { class: "hw-2" }, ` ${detail}`));
  if (id) line.append(" ", make("a", { class: "hw-link", href: urlOf(id) }, fill(words.new_task, { id: format.id(id) })));
  return line;
}
