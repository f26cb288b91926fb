"""The data in a Python repr, as Celery prints a task's arguments.

`ast.literal_eval` compiles its text, which was a quarter of the CPU that a receiver spent on an
event. Most arguments are plain: strings without escapes, numbers, lists and dicts. Those are one
replacement away from JSON, which is read three to five times as fast; whatever is not certain to
mean the same in both is read as Python.
"""

import ast
import functools
import json
import re

# Between strings: JSON's own marks and numbers. Words are Python's until they are replaced.
_PLAIN = re.compile(r"(?:[-\d.eE,: \[\]{}]|True|False|None)*").fullmatch
# What `json.loads` calls, without its search for white space around the text.
_json = json.JSONDecoder().raw_decode
_WORDS = (("True", "true"), ("False", "false"), ("None", "null"))


def read(text: str) -> object:
    """The value of a literal; what `ast.literal_eval` returns or raises, but that the tuple that
    `text` may be is a list."""
    value = _plain(text)
    return _python(text) if value is None else value


def _plain(text: str) -> object | None:
    """The value of a plain tuple or dict; None where JSON may not say the same."""
    if "\\" in text or '"' in text or text[:1] + text[-1:] not in ("()", "{}"):
        return None
    is_tuple = text[0] == "("
    pieces = text[1:-1].split("'")
    between = "".join(pieces[::2])
    if not _PLAIN(between):
        return None
    if "e" in between or "N" in between:
        for python, javascript in _WORDS:
            pieces[::2] = [piece.replace(python, javascript) for piece in pieces[::2]]
    inner = '"'.join(pieces)
    is_closed = inner.endswith(",")
    try:
        written = f"[{inner.removesuffix(',')}]" if is_tuple else f"{{{inner}}}"
        value, end = _json(written)
    except (ValueError, RecursionError):
        return None
    if end != len(written):
        return None
    # `(1)` is no tuple: it takes a comma to make one.
    is_certain = not is_tuple or len(value) > 1 or (is_closed and value)
    return value if is_certain else None


@functools.lru_cache(maxsize=512)
def _python(text: str) -> object:
    return ast.literal_eval(text)
