"""Accessibility rules of a page, checked by axe in the page itself."""

from playwright.sync_api import Page

from tests.services.process import ROOT

_AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async ([tags, parts]) => {
  const where = parts.length ? { include: parts } : document;
  const { violations } = await axe.run(where, { runOnly: tags, resultTypes: ["violations"] });
  const told = ({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`);
  return violations.flatMap(told);
}"""


def violations(page: Page) -> list[str]:
    """Rule and markup of everything that breaks WCAG 2.2 AA."""
    return violations_in(page)


def violations_in(page: Page, *parts: str) -> list[str]:
    """The same of some parts of a page, by their selectors; of the whole page without any."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_RUN, [_TAGS, [[part] for part in parts]])
    return found
