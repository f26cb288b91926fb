"""What browsers are told of the stream, and when."""

from realtime.core.pulse import Pulse

SAID = {"state": "live", "lag_ms": 12, "alive_at": 100.0, "counters": {"events": 1}}


def _pulse(now: float = 100.0, **said: object) -> Pulse:
    pulse = Pulse()
    pulse.hear({**SAID, **said}, now)
    return pulse


def test_a_stream_that_never_spoke_is_blind() -> None:
    assert Pulse().told(0.0)["state"] == "blind"


def test_no_sign_of_life_for_five_seconds_is_blind() -> None:
    pulse = _pulse()

    assert pulse.told(105.0)["state"] == "live"
    blind = pulse.told(105.1)
    assert (blind["state"], blind["lag_ms"], blind["alive_at"]) == ("blind", None, 100.0)


def test_an_old_sign_of_life_at_the_start_is_blind() -> None:
    assert _pulse(now=110.0).is_blind(110.0)


def test_a_clock_that_is_wrong_makes_nobody_blind() -> None:
    behind, ahead = _pulse(now=5_000.0), _pulse(now=1.0)
    for second in range(1, 4):
        for pulse, now in ((behind, 5_000.0 + second), (ahead, 1.0 + second)):
            pulse.hear({**SAID, "alive_at": 100.0 + second}, now)

    assert not behind.is_blind(5_003.0)
    assert not ahead.is_blind(4.0)
    assert ahead.is_blind(9.5)


def test_news_is_told_at_once_but_not_twice_a_second() -> None:
    pulse = _pulse()
    assert pulse.due(100.0) is not None

    pulse.hear({**SAID, "state": "behind"}, 100.5)
    assert pulse.due(100.5) is None
    told = pulse.due(101.0)
    assert told is not None
    assert told["state"] == "behind"


def test_what_only_counts_on_is_no_news_for_ten_seconds() -> None:
    pulse = _pulse()
    pulse.due(100.0)
    pulse.hear({**SAID, "alive_at": 109.0, "lag_ms": 14, "counters": {"events": 900}}, 109.0)

    assert pulse.due(109.0) is None
    assert pulse.due(110.0) is not None
