/**
 * `<headway-columns>`: which columns the list has. The choice is a cookie, so that the server
 * paints the next page with it; it also writes the new head and the pattern of a row, which the
 * list takes over while its rows, its selection and its place stay.
 */

import { setAttribute } from "../dom.js";
import { PageElement } from "../page.js";
import { fetchPage } from "../fetching.js";

const YEAR_S = 365 * 24 * 60 * 60;

/** The choice that was made last; an answer to an older one is dropped. */
let newest = 0;

export class ColumnsElement extends PageElement {
  connectedCallback() {
    const form = this.querySelector("form");
    form?.addEventListener("change", () => this.#take());
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#take();
    });
    const usual = this.querySelector("[data-usual]");
    usual?.addEventListener("click", () => {
      const keys = (usual.getAttribute("data-usual") ?? "").split(" ");
      for (const box of this.#boxes) box.checked = keys.includes(box.value);
      this.#take();
    });
  }

  /** @returns {HTMLInputElement[]} */
  get #boxes() {
    return [...this.querySelectorAll("input")].filter((input) => input.type === "checkbox");
  }

  async #take() {
    const number = ++newest;
    const path = document.querySelector('meta[name="headway-root"]')?.getAttribute("content") ?? "/";
    const keys = this.#boxes.filter((box) => box.checked).map((box) => box.value);
    document.cookie = `headway_columns=${keys.join(".")}; path=${path}; max-age=${YEAR_S}; samesite=lax`;
    setAttribute(this, "aria-busy", "true");
    const page = await fetchPage(location.href).catch(() => null);
    if (number !== newest) return;
    setAttribute(this, "aria-busy", null);
    if (!page) return location.reload();
    this.dispatchEvent(new CustomEvent("headway:columns", { bubbles: true, detail: { page } }));
    this.page.announce(this.page.words.page.columns ?? "");
  }
}
