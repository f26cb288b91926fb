/** Pages as the server writes them, read by a page that is there. */

/**
 * A page as the server would send it now, null where it sent something else (a sign-in, an error).
 *
 * @param {string} url
 * @returns {Promise<Document|null>}
 */
export async function fetchPage(url) {
  const response = await fetch(url, { headers: { accept: "text/html" } });
  if (response.redirected || !(response.headers.get("content-type") ?? "").startsWith("text/html")) return null;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector("main") && page.body.dataset.assets === document.body.dataset.assets ? page : null;
}
