/**
 * `<headway-badge>`: how true the page is.
 *
 * What the server painted stays until the connection has something to say. A change of the
 * connection is spoken once, in the page's one polite region; the lag, which always changes, never.
 */

import * as connection from "../connection.js";
import { part, setAttribute, setText } from "../dom.js";
import * as format from "../format.js";
import { PageElement } from "../page.js";
import { fill } from "../words.js";

/** @param {Record<string, number>|undefined} counts */
const sum = (counts) => Object.values(counts ?? {}).reduce((total, count) => total + count, 0);

export class BadgeElement extends PageElement {
  /** @type {(() => void)|null} */
  #unwatch = null;
  #timer = 0;
  #said = "";
  #wasOpen = false;

  connectedCallback() {
    this.#unwatch = this.page.feed.watch(() => this.#update());
  }

  disconnectedCallback() {
    this.#unwatch?.();
    clearTimeout(this.#timer);
  }

  #update() {
    const { feed, words } = this.page;
    const { status } = feed;
    clearTimeout(this.#timer);
    if (status.stream) this.#wasOpen = true;
    const isFirst = !this.#wasOpen && (status.phase === "connecting" || status.phase === "open");
    const isGreeting = status.phase === "open" && !status.stream;
    if (isFirst || isGreeting) return;

    const badge = connection.badge(status, Date.now() / 1000, words.stream, words.said);
    this.#show(badge);
    this.#detail(status);
    this.page.ticker.setLive(badge.isLive);
    document.body.dataset.conn = badge.conn;
    this.#say(badge);
    if (status.phase === "waiting") this.#timer = window.setTimeout(() => this.#update(), 1000);
  }

  /** @param {connection.Badge} badge */
  #show(badge) {
    setAttribute(this.querySelector("details"), "data-conn", badge.conn);
    setText(part(this, "word"), badge.word);
    setText(part(this, "lag"), badge.detail);
    setText(part(this, "why"), badge.why);
    const dash = part(this, "dash");
    if (dash) dash.hidden = badge.detail === "";
  }

  /** @param {connection.Status} status */
  #detail(status) {
    const words = this.page.words.stream;
    const { stream } = status;
    if (!stream) {
      const time = status.heardAt === null ? format.NONE : format.clock(status.heardAt);
      setText(part(this, "transport"), fill(words.no_transport, { time }));
      return;
    }
    setText(part(this, "transport"), words.transport ?? "");
    if (stream.epoch !== undefined && stream.revision !== undefined) setText(part(this, "position"), `${stream.epoch}:${stream.revision}`);
    if (stream.receiver !== undefined) setText(part(this, "receiver"), stream.receiver ?? format.NONE);
    const { counters } = stream;
    setText(part(this, "events"), fill(words.events, {
      rate: format.number(Math.round(stream.events_per_second ?? 0)),
      dropped: format.number(counters?.dropped ?? 0),
      rejected: format.number(sum(counters?.rejected)),
    }));
  }

  /**
   * "Catching up" comes and goes under load; only what a person would act on is spoken.
   *
   * @param {connection.Badge} badge
   */
  #say(badge) {
    const key = badge.conn === "behind" ? "live" : badge.conn;
    if (key === this.#said) return;
    const isFirst = this.#said === "";
    this.#said = key;
    if (!(isFirst && key === "live")) this.page.announce(`${badge.word}. ${badge.why}`.trim());
  }
}
