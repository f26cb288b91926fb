/**
 * Files to the server in chunks, from wherever the server has them: a connection that breaks, a chunk
 * that another tab was quicker with and a server that restarts all end in going on.
 *
 * @typedef {object} Outside what the browser gives
 * @property {(url: string, init: object) => Promise<Response>} fetch
 * @property {(ms: number, signal: AbortSignal) => Promise<void>} wait until then, or until the network is back
 * @property {() => number} now ms
 *
 * @typedef {{size: number, slice(from: number, to: number): Blob}} Sliced
 * @typedef {{sent: number, total: number, left: number|null, trouble: boolean}} Progress bytes, and seconds left
 */

export const FIRST_CHUNK = 256 * 1024;
const LEAST_CHUNK = 64 * 1024;
/** A chunk is to take about so long: long enough to be worth a request, short enough to be seen. */
const CHUNK_MS = 500;
/** A rate is known only after a while. */
const KNOWN_MS = 2000;
const MAX_WAIT_MS = 15_000;

/** The server said no, in a sentence for the visitor. */
export class Refusal extends Error {}

export class Sender {
  #chunk = FIRST_CHUNK;
  #began = 0;
  #sentBefore = 0;

  /**
   * @param {Outside} outside
   * @param {(progress: Progress) => void} tell
   * @param {AbortSignal} signal ends it, with the signal's own error
   */
  constructor(outside, tell, signal) {
    this.outside = outside;
    this.tell = tell;
    this.signal = signal;
  }

  /**
   * Sends what the server does not have yet.
   *
   * @param {string} url of the upload, with a slash at its end
   * @param {Sliced[]} files
   * @param {number[]} offsets what the server has of each
   * @param {number} maxChunk bytes that the server takes at once
   * @returns {Promise<void>} Refusal where the server wants none of it
   */
  async send(url, files, offsets, maxChunk) {
    const at = [...offsets];
    const total = files.reduce((sum, { size }) => sum + size, 0);
    let wasLost = false;
    const told = (trouble = false) => {
      const sent = at.reduce((sum, each) => sum + each, 0);
      // How long the network was away says nothing of how fast it is.
      if (wasLost) this.#measure(sent);
      wasLost = trouble;
      this.tell({ sent, total, left: trouble ? null : this.#left(sent, total), trouble });
    };
    this.#measure(at.reduce((sum, each) => sum + each, 0));
    told();
    for (const [number, file] of files.entries()) {
      while ((at[number] ?? 0) < file.size) {
        const from = at[number] ?? 0;
        const body = file.slice(from, Math.min(from + Math.min(this.#chunk, maxChunk), file.size));
        at[number] = await this.#put(`${url}${number}/`, from, body, () => told(true));
        told();
      }
    }
  }

  /**
   * Asks until there is an answer that makes sense: a network that is away comes back.
   *
   * @param {string} url @param {RequestInit} init @param {() => void} [trouble]
   * @returns {Promise<any>} the answer's JSON
   */
  async ask(url, init, trouble = () => {}) {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#try(url, init);
      if (answer?.ok || answer?.status === 409) return answer.json();
      if (answer && answer.status < 500) throw new Refusal(await sentence(answer));
      trouble();
      await this.outside.wait(Math.min(MAX_WAIT_MS, 500 * 2 ** attempt), this.signal);
    }
  }

  /** @param {string} url @param {RequestInit} init */
  async #try(url, init) {
    try {
      return await this.outside.fetch(url, { credentials: "same-origin", ...init, signal: this.signal });
    } catch (error) {
      if (this.signal.aborted) throw error;
      return null;
    }
  }

  /** @param {string} url @param {number} from @param {Blob} body @param {() => void} trouble */
  async #put(url, from, body, trouble) {
    const began = this.outside.now();
    const headers = { "Content-Type": "application/octet-stream", "Upload-Offset": String(from) };
    const { offset } = await this.ask(url, { method: "PUT", headers, body }, trouble);
    const took = this.outside.now() - began;
    if (took < CHUNK_MS / 2) this.#chunk *= 2;
    else if (took > CHUNK_MS * 2) this.#chunk = Math.max(LEAST_CHUNK, this.#chunk / 2);
    return Number(offset);
  }

  /** The rate is that of what is sent from now on. @param {number} sent bytes before */
  #measure(sent) {
    this.#began = this.outside.now();
    this.#sentBefore = sent;
  }

  /** @param {number} sent @param {number} total */
  #left(sent, total) {
    const ms = this.outside.now() - this.#began;
    const rate = (sent - this.#sentBefore) / ms;
    return ms < KNOWN_MS || rate <= 0 ? null : (total - sent) / rate / 1000;
  }
}

/** @param {Response} answer */
async function sentence(answer) {
  const { detail } = await answer.json().catch(() => ({}));
  return detail || "The server did not take it. Reload the page and try again.";
}

/** @param {number} bytes */
export function sized(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  const [amount, unit] = bytes < 999_500 ? [bytes / 1000, "kB"] : [bytes / 1e6, "MB"];
  return `${amount < 9.95 ? amount.toFixed(1) : Math.round(amount)}\u00a0${unit}`;
}
