/**
 * Light, dark, or as the system has it. The choice is a cookie, so that the server paints the
 * next page in it and nothing flashes.
 */

const YEAR_S = 365 * 24 * 60 * 60;
const DARK = "(prefers-color-scheme: dark)";

/**
 * The theme after a press: the other one; and `auto` where that is what the system has anyway.
 *
 * @param {string|undefined} chosen
 * @param {boolean} isSystemDark
 */
export function next(chosen, isSystemDark) {
  const isDark = chosen === "dark" || (chosen !== "light" && isSystemDark);
  const wanted = isDark ? "light" : "dark";
  return (wanted === "dark") === isSystemDark ? "auto" : wanted;
}

/**
 * @param {Document} root
 * @param {string} path the dashboard's own: the cookie goes nowhere else
 */
export function listenForTheme(root, path) {
  root.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-theme-toggle]")) return;
    const theme = next(root.documentElement.dataset.theme, matchMedia(DARK).matches);
    root.documentElement.dataset.theme = theme;
    root.cookie = `headway_theme=${theme}; path=${path}; max-age=${YEAR_S}; samesite=lax`;
  });
}
