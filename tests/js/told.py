"""Rows of the overview for the browser tests: those of the shared vectors, moved to the present."""

import json
from typing import Any

from tests.services.process import ROOT

_MINUTE_S = 60


def shop(now: float) -> dict[str, Any]:
    """A shop in trouble, as of `now` (Unix seconds): `row` of the overview, and `workers`."""
    first = json.loads((ROOT / "tests" / "vectors" / "overview.json").read_text())[0]
    later: dict[str, Any] = moved(
        {"row": first["row"], "workers": first["workers"]}, now - first["now"]
    )
    end = int(now) // _MINUTE_S * _MINUTE_S + _MINUTE_S
    series = first["row"]["series"]
    for place, point in enumerate(series):
        point[0] = end - _MINUTE_S * (len(series) - place)
    later["row"]["series"] = series
    return later


def moved(value: Any, by: float) -> Any:
    """A copy in which every instant is later by so many seconds."""
    if isinstance(value, list):
        return [moved(each, by) for each in value]
    if isinstance(value, dict):
        return {
            key: each + by if key.endswith("_at") and each is not None else moved(each, by)
            for key, each in value.items()
        }
    return value
