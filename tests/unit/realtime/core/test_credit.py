"""How much may be on its way to one peer."""

from realtime.core.credit import Allowance, Credit


def test_credit_ends_after_16_frames_or_64_kilobytes() -> None:
    many, large = Credit(0.0), Credit(0.0)
    for _ in range(16):
        assert many.allows(10)
        many.spend(10, 0.0)
    large.spend(60_000, 0.0)

    assert not many.allows(10)
    assert large.allows(5_536)
    assert not large.allows(5_537)


def test_an_acknowledgement_covers_every_frame_up_to_it() -> None:
    credit = Credit(0.0)
    for _ in range(4):
        credit.spend(100, 0.0)

    assert credit.acknowledge(3, 0.0)
    assert credit.size == 100
    assert not credit.acknowledge(5, 0.0)


def test_one_frame_of_any_size_may_be_sent_where_nothing_is_due() -> None:
    credit = Credit(0.0)

    assert credit.allows(10**6)


def test_a_peer_is_silent_only_while_it_owes_an_acknowledgement() -> None:
    credit = Credit(0.0)
    assert not credit.is_silent(100.0)

    credit.spend(10, 100.0)
    assert not credit.is_silent(129.0)
    assert credit.is_silent(130.0)
    credit.spend(10, 131.0)
    credit.acknowledge(1, 131.0)
    assert not credit.is_silent(132.0)


def test_an_allowance_comes_back_with_time() -> None:
    allowance = Allowance(2, 0.5, 0.0)

    assert [allowance.take(0.0) for _ in range(3)] == [True, True, False]
    assert [allowance.take(2.0) for _ in range(2)] == [True, False]
