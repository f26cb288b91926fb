import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import cursors
from dashboard.cursors import Key
from tests.unit.dashboard.records import instants, texts


@given(instants, texts)
def test_a_cursor_leads_back_to_its_key(first_seen_at: float, id_: str) -> None:
    key = Key(first_seen_at, id_)

    assert cursors.key(cursors.text(key)) == key


@given(st.text())
def test_any_text_is_a_cursor_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(cursors.key(text), Key)


def test_the_longest_id_fits() -> None:
    key = Key(1.5, "\U0001f600" * 255)

    assert cursors.key(cursors.text(key)) == key


def test_a_long_cursor_is_not_repeated_in_full() -> None:
    with pytest.raises(ValueError, match="is no cursor") as refused:
        cursors.key("x" * 9000)

    assert len(str(refused.value)) < 200
