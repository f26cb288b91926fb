"""Reading reprs: the fast way and Python's own must agree."""

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.core import literals

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
data = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | leaves, inner)
    ),
    max_leaves=10,
)
# Text that is nearly a repr: every mark that could be read in two ways.
marks = st.text(st.sampled_from("()[]{}'\"\\,: -+.eEj01_TrueFalsNonab\n\t#"), max_size=30)


def by_python(text: str) -> object:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return "unreadable"
    return list(value) if isinstance(value, tuple) else value


def by_us(text: str) -> object:
    try:
        value = literals.read(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return "unreadable"
    return list(value) if isinstance(value, tuple) else value


def same(text: str) -> bool:
    return repr(by_us(text)) == repr(by_python(text))


@given(st.lists(data).map(tuple) | st.dictionaries(st.text(), data))
def test_every_repr_is_read_as_python_reads_it(value: object) -> None:
    assert same(repr(value))


@given(marks.map("({})".format) | marks.map("{{{}}}".format) | marks)
@example("(1)")
@example("([1, 2])")
@example("(,)")
@example("('a' 'b', 1)")
@example("('a',,)")
@example("{'a': 1,}")
@example("{'a': 1, 'a': 2}")
@example("{1: 2}")
@example("{1, 2}")
@example("((1, 2), 3)")
@example("(1e999, -0, 1E5)")
@example("(01, 2)")
@example("(1 -1, 2)")
@example("(T'x'rue, 1)")
@example("(1'' , 2)")
@example("('a\nb', 1)")
def test_whatever_looks_like_a_repr_is_read_as_python_reads_it(text: str) -> None:
    assert same(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(1, 'two', None)", [1, "two", None]),
        ("('one',)", ["one"]),
        ("{'a': {'b': [True, False, None, -1.5]}}", {"a": {"b": [True, False, None, -1.5]}}),
        ("('True, None',)", ["True, None"]),
    ],
)
def test_plain_arguments_are_read(text: str, value: object) -> None:
    assert literals.read(text) == value
