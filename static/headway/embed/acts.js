/**
 * What a visitor does: cancelling, trying again, looking at the parts of a group. Fetched with the
 * first click, so it imports nothing that the page already has.
 *
 * @typedef {import ("./types.js").Row} Row
 * @typedef {import ("./types.js").Host} Host
 */

const MAX_PARTS = 100;
/** A list that is open follows its group, but not every change of it. */
const LIST_MS = 3000;

/** How long what came of it is read, and how long a cancellation may take to be seen. */
const TOLD_MS = 8000;
const SLOW_MS = 30_000;

const CSS = `
[part=list] { display: grid; gap: 4px; max-block-size: 16em; overflow: auto; color: var(--muted); }
[part=list]:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[part=part] { display: flex; justify-content: space-between; gap: 12px; }
`;

/** @type {CSSStyleSheet|undefined} */
let sheet;

/** What it takes to show a list, given to an element with its first one. @param {HTMLElement} list */
function dress(list) {
  const root = list.getRootNode();
  if (list.hasAttribute("tabindex") || !(root instanceof ShadowRoot)) return;
  if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(CSS);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  // It scrolls, also for those who have no pointer.
  list.setAttribute("tabindex", "0");
  list.setAttribute("aria-labelledby", "t");
}

export class Acts {
  #timer = 0;
  #listedAt = 0;
  #isListed = false;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
  }

  /** @param {string} name of the button */
  run(name) {
    const { words, show } = this.host;
    clearTimeout(this.#timer);
    switch (name) {
      case "cancel": return show({ phase: "ask", text: words.ask ?? "" });
      case "keep": return show({ phase: "", text: "" });
      case "yes": return this.#post("cancel", words.cancelling ?? "");
      case "retry": return this.#post("retry", words.restarting ?? "");
      default: return this.#toggle(name === "show");
    }
  }

  /** @param {string} act @param {string} doing what is said meanwhile */
  async #post(act, doing) {
    const { words, fill, show, goOn, emit } = this.host;
    show({ phase: "busy", text: doing });
    try {
      const answer = await this.#ask(act, "POST");
      const body = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(body.detail || body.title || String(answer.status));
      if (body.token) goOn(body.id, body.token);
      else this.#forget(SLOW_MS);
    } catch (error) {
      const why = error instanceof TypeError ? words.unreachable : /** @type {Error} */ (error).message;
      const text = fill(words.not_done, { why });
      show({ phase: "", text });
      emit("error", { code: act, message: text });
      this.#forget(TOLD_MS);
    }
  }

  /** @param {number} ms */
  #forget(ms) {
    this.#timer = window.setTimeout(() => this.host.show({ phase: "", text: "" }), ms);
  }

  /** With a fresh token where the old one has ended. @param {string} path below that of the task @param {string} method */
  async #ask(path, method) {
    const { link, pass, subject } = this.host;
    const [kind, id] = [subject.split(":", 1)[0], subject.slice(subject.indexOf(":") + 1)];
    const url = `${link.url}embed/v1/${kind}s/${encodeURIComponent(id)}${method === "POST" ? "/" : ""}${path}`;
    const ask = () => link.outside.fetch(url, { method, credentials: "omit", headers: { Authorization: `Bearer ${pass.token}` } });
    const answer = await ask();
    return answer.status === 401 && pass.refresh && (await link.renew(pass)) ? ask() : answer;
  }

  /** @param {boolean} isListed */
  async #toggle(isListed) {
    this.#isListed = isListed;
    this.#listedAt = 0;
    this.host.list.hidden = true;
    this.host.show({ phase: "", text: "", isListed });
    await this.refresh();
  }

  /** Reads the parts again, where they are shown and old enough. */
  async refresh() {
    const { list, words, fill, stateOf } = this.host;
    if (!this.#isListed || Date.now() < this.#listedAt + LIST_MS) return;
    this.#listedAt = Date.now();
    const answer = await this.#ask(`?parts=${MAX_PARTS}`, "GET").catch(() => null);
    const { parts } = answer?.ok ? await answer.json() : { parts: null };
    if (!Array.isArray(parts) || !this.#isListed) return;
    dress(list);
    list.replaceChildren(...parts.map((/** @type {Row & {percent?: number}} */ part, n) => {
      const word = words[stateOf(part)] ?? "";
      const item = document.createElement("li");
      item.setAttribute("part", "part");
      for (const text of [
        part.label || fill(words.part, { n: n + 1 }),
        typeof part.percent === "number" && !part.conclusion ? `${word}, ${Math.floor(part.percent)}%` : word,
      ]) item.appendChild(document.createElement("span")).textContent = text;
      return item;
    }));
    list.hidden = false;
  }
}
