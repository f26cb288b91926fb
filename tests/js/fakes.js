/** Stand-ins for what the browser gives: time that only moves when told to, and sockets that are spoken through. */

/** @typedef {import("../../static/headway/feed.js").Outside} Outside */

export class FakeTime {
  ms = 1_795_269_600_000;
  #next = 1;
  /** @type {Map<number, {at: number, run: () => void}>} */
  #timers = new Map();

  now = () => this.ms / 1000;

  /** @type {Outside["setTimeout"]} */
  setTimeout = (run, ms) => {
    this.#timers.set(this.#next, { at: this.ms + ms, run });
    return this.#next++;
  };

  /** @type {Outside["clearTimeout"]} */
  clearTimeout = (timer) => {
    this.#timers.delete(timer);
  };

  /** @param {number} ms time passes, and what was due in it happens in order */
  pass(ms) {
    const end = this.ms + ms;
    for (;;) {
      const [timer, due] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (timer === undefined || due === undefined || due.at > end) break;
      this.#timers.delete(timer);
      this.ms = Math.max(this.ms, due.at);
      due.run();
    }
    this.ms = Math.max(this.ms, end);
  }
}

export class FakeSocket {
  readyState = 1;
  /** @type {any[]} */
  sent = [];
  frame = 0;
  isClosed = false;
  /** @type {((event: any) => void)|null} */
  onmessage = null;
  /** @type {((event: any) => void)|null} */
  onclose = null;

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
    this.isClosed = true;
  }

  /** @param {object} frame the server says it, with the next frame number */
  say(frame) {
    this.frame += 1;
    this.onmessage?.({ data: JSON.stringify({ ...frame, frame: this.frame }) });
  }

  hello(epoch = "e1") {
    this.say({ op: "hello", epoch, user: "ines", can: [], server_time: 1_795_269_600, version: "1", assets: "a" });
  }

  /** @param {number} code */
  drop(code) {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  /** @param {string} op */
  heard(op) {
    return this.sent.filter((message) => message.op === op);
  }
}

/**
 * A task as the list shows it.
 *
 * @param {string} id
 * @param {Partial<import("../../static/headway/types.js").TaskRow>} [fields]
 * @returns {import("../../static/headway/types.js").TaskRow}
 */
export function task(id, fields = {}) {
  return {
    id, name: "shop.orders.place", state: "PENDING", status: "queued", conclusion: null, queue: "orders", worker: null,
    priority: null, retries: 0, eta: null, expires: null, first_seen_at: 1000, sent_at: null, received_at: null,
    started_at: null, finished_at: null, wait: null, runtime: null, updated_at: 1000, progress: null, root_id: null,
    parent_id: null, group_id: null, owner: null, label: null, retry_at: null, reason: null, revision: 1, ...fields,
  };
}
