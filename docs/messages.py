"""Keeps the translations level with the sources: `make messages`.

Collects every text that the sources mark for translation, merges them into the catalogue of each
language, compiles it, and names what is not translated yet. Nothing but Python is needed. Texts of
developers (logs, system checks, commands) are not marked and stay English.

Usage: python -m docs.messages [--check]
    --check  write nothing; exit 1 when a text is missing, not translated, in doubt or not compiled
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[1]
LOCALES = ROOT / "dashboard" / "locale"
SOURCES = ("dashboard/**/*.py", "templates/**/*.html")
# The arguments of each function that mark a text: where the text, its plural and its context are.
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# Of the header, what Django reads; the rest would change with every run.
_HEADERS = ("Language:", "Plural-Forms:", "MIME-Version:", "Content-Type:", "Content-Transfer-")
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd%]")


def sources() -> Iterator[Path]:
    """The files that may mark texts, in order of their names."""
    found = {path for pattern in SOURCES for path in ROOT.glob(pattern)}
    return iter(sorted(found))


def marked(path: Path) -> Iterator[tuple[int, str | tuple[str, str], str | None]]:
    """Each marked text of a file: its line, the text (with its plural), its context."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        text = templatize(text, origin=str(path.relative_to(ROOT)))
    for line, function, found, _ in extract_python(
        io.BytesIO(text.encode()), list(KEYWORDS), [], {}
    ):
        every = found if isinstance(found, tuple) else (found,)
        texts = [one for one in every if one]
        if not texts:
            continue
        context = texts.pop(0) if "pgettext" in function else None
        is_plural = "ngettext" in function or "npgettext" in function
        yield line, (texts[0], texts[1]) if is_plural else texts[0], context


def template() -> Catalog:
    """All marked texts of the sources."""
    catalog = Catalog(charset="utf-8", fuzzy=False)
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        for _, text, context in marked(path):
            # Lines are left out: they move with every edit, and say nothing to a translator.
            catalog.add(text, locations=[(name, None)], context=context)  # type: ignore[list-item]
    return catalog


def languages() -> list[str]:
    """The languages that have a catalogue, by Django's names for their folders."""
    return sorted(path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/django.po"))


def catalogue(language: str) -> Path:
    """The catalogue of a language, which people edit."""
    return LOCALES / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """The texts and translations of a language."""
    with catalogue(language).open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    """The catalogue in the form that Django loads."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def written(catalog: Catalog) -> bytes:
    """The catalogue as its file has it."""
    file = io.BytesIO()
    write_po(file, catalog, width=100, sort_output=True, ignore_obsolete=True, include_lineno=False)
    head, _, texts = file.getvalue().partition(b"\n\n")
    kept = [line for line in head.split(b"\n") if not _is_idle(line.decode())]
    return b"\n".join(kept) + b"\n\n" + texts.rstrip() + b"\n"


def _is_idle(line: str) -> bool:
    return line.startswith('"') and not line.startswith(tuple(f'"{name}' for name in _HEADERS))


def is_compiled(catalog: Catalog, path: Path) -> bool:
    """Whether the file says what the catalogue says."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        beside = read_mo(file)
    return _told(beside) == _told(catalog)


def _told(catalog: Catalog) -> dict[tuple[str | None, str], tuple[str, ...]]:
    return {
        key(message): (text,) if isinstance(text := message.string or "", str) else tuple(text)
        for message in catalog
        if message.id and message.string
    }


def key(message: Message) -> tuple[str | None, str]:
    """What tells a message from all others."""
    context: str | bytes | None = message.context
    known = context.decode() if isinstance(context, bytes) else context
    return known, message.id if isinstance(message.id, str) else message.id[0]


def split(text: str) -> list[str]:
    """What stands between the places of a text that are filled in."""
    return _PLACEHOLDER.split(text)


def placeholders(text: str) -> list[str]:
    """The parts of a text that are filled in, sorted."""
    return sorted(_PLACEHOLDER.findall(text))


def faults(language: str) -> list[str]:
    """What is wrong with the catalogue of a language, a line for each."""
    catalog, wanted = read(language), template()
    known = {key(message): message for message in catalog if message.id}
    lines = [
        f"not in the catalogue: {message.id!r}"
        for message in wanted
        if message.id and key(message) not in known
    ]
    lines += [
        f"in no source any more: {name[1]!r}"
        for name in known
        if wanted.get(name[1], name[0]) is None
    ]
    for message in known.values():
        lines += faults_of(message, catalog.num_plurals)
    if not is_compiled(catalog, catalogue(language).with_suffix(".mo")):
        lines.append("the compiled catalogue is another: make messages")
    return lines


def faults_of(message: Message, plurals: int) -> Iterator[str]:
    """What is wrong with one translation; `plurals` is how many forms the language has."""
    texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    if message.fuzzy:
        yield f"in doubt (fuzzy): {ids[0]!r}"
    if not texts or not all(texts) or len(texts) != (1 if len(ids) == 1 else plurals):
        yield f"not translated: {ids[0]!r}"
        return
    for number, text in enumerate(texts):
        # A singular may leave its number out.
        allowed = [placeholders(one) for one in (ids if number == 0 else ids[-1:])]
        if placeholders(text) not in allowed:
            yield f"placeholders differ: {ids[0]!r} -> {text!r}"


def update(language: str) -> None:
    """Merge the marked texts of the sources into the catalogue of a language, and compile it."""
    catalog = read(language)
    catalog.update(template(), no_fuzzy_matching=True, update_header_comment=False)
    catalogue(language).write_bytes(written(catalog))
    beside = catalogue(language).with_suffix(".mo")
    if not is_compiled(catalog, beside):
        beside.write_bytes(compiled(read(language)))


def main(arguments: list[str] | None = None) -> int:
    """Bring all catalogues up to the sources; the exit status is 1 when something is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    is_faulty = False
    for language in languages():
        if not options.check:
            update(language)
        found = faults(language)
        is_faulty = is_faulty or bool(found)
        print(f"{language}: {len(list(read(language))) - 1} texts, {len(found)} faults")
        for line in found:
            print(f"  {line}")
    return int(is_faulty)


if __name__ == "__main__":
    sys.exit(main())
