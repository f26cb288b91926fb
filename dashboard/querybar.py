"""The query bar: a query's text cut into its terms, and the queries one press away from it.

Pure text work; what a term means is `realtime.core.query`'s business.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

STATE_KEYS = frozenset({"status", "conclusion", "state"})
RANGE_KEYS = frozenset({"since", "until"})


# Quoted parts (a backslash keeps the next character) and anything but blanks; quotes that do not
# end reach to the end.
_TERM = re.compile(r"""(?:"(?:[^"\\]|\\.)*(?:"|\Z)|[^\s"])+""", re.DOTALL)


class Term(NamedTuple):
    """One term as it was typed, and where it stands in the text."""

    text: str
    start: int

    @property
    def key(self) -> str:
        """What stands before the colon, or nothing for a bare word."""
        key, colon, _ = self.text.removeprefix("-").partition(":")
        return key if colon and '"' not in key else ""

    @property
    def head(self) -> str:
        """The part that a chip shows quietly: `queue:`, `-name:`."""
        return self.text[: self.text.index(self.key) + len(self.key) + 1] if self.key else ""

    @property
    def tail(self) -> str:
        """The part that a chip shows in full."""
        return self.text[len(self.head) :]


def terms(text: str) -> list[Term]:
    """The terms in order. Blanks part them, except inside quotes."""
    return [Term(found[0], found.start()) for found in _TERM.finditer(text)]


def join(parts: Iterable[Term | str]) -> str:
    """Terms, or texts of several, as one query."""
    texts = (part.text if isinstance(part, Term) else part.strip() for part in parts)
    return " ".join(text for text in texts if text)


def without(all_terms: Iterable[Term], gone: Iterable[Term]) -> str:
    """The query without these terms."""
    starts = {term.start for term in gone}
    return join(term for term in all_terms if term.start not in starts)


def with_state(all_terms: Iterable[Term], state_term: str) -> str:
    """The query under another state tab; an empty `state_term` is the tab of all."""
    kept = [term for term in all_terms if term.key not in STATE_KEYS]
    return join([*kept, state_term])


def at(all_terms: Iterable[Term], position: int) -> Term | None:
    """The term that holds this offset, or the last one before it."""
    before = [term for term in all_terms if term.start <= position]
    return before[-1] if before else None
