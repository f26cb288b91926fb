"""What tasks have in common, and that nothing else of them is told."""

from typing import Any

from dashboard import sharing
from dashboard.sharing import Share


def task(n: int = 0, **fields: Any) -> dict[str, Any]:
    return {"worker": "w1", "queue": "media", "name": "shop.encode", "args": [], **fields}


def by_name(rows: list[dict[str, Any]]) -> dict[str, sharing.Facet]:
    return {facet.name: facet for facet in sharing.facets(rows)}


def test_arguments_that_most_share_come_first_then_worker_and_queue() -> None:
    rows = [
        task(kwargs={"preset": "4k" if n else "hd", "region": "eu"}, worker=f"w{n % 2}")
        for n in range(10)
    ]
    assert [facet.name for facet in sharing.facets(rows)] == ["region", "preset", "worker", "queue"]
    assert by_name(rows)["preset"].values == (Share("'4k'", 9), Share("'hd'", 1))
    assert by_name(rows)["worker"].values == (Share("w0", 5), Share("w1", 5))


def test_what_each_task_has_for_itself_is_nothing_they_share() -> None:
    rows = [task(args=[n, "same"]) for n in range(5)]
    assert {"[0]", "[1]"} & by_name(rows).keys() == {"[1]"}


def test_the_name_is_told_where_there_are_several() -> None:
    assert "name" not in by_name([task(), task()])
    several = by_name([task(), task(name="shop.cut")])["name"]
    assert [share.value for share in several.values] == ["shop.cut", "shop.encode"]


def test_only_the_commonest_values_are_told_and_the_others_counted() -> None:
    rows = [task(worker=f"w{n % 7}") for n in range(70)]
    facet = by_name(rows)["worker"]
    assert len(facet.values) == sharing.MAX_VALUES
    assert facet.others == 30
    many = [task(kwargs={f"k{n}": 1 for n in range(20)}) for _ in range(3)]
    assert len(sharing.facets(many)) == sharing.MAX_FACETS


def test_redacted_unknown_long_and_absent_arguments_are_no_values() -> None:
    rows = [
        task(args=None, kwargs={"card": "[redacted]", "cards": ["[redacted]"], "blob": "x" * 500}),
        task(args="('cut', ...", kwargs={"card": "[redacted]", "blob": "x" * 500}),
    ]
    assert by_name(rows).keys() == {"worker", "queue"}
    assert sharing.facets([{}]) == []
    assert sharing.facets([]) == []
