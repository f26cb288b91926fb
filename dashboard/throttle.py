"""How often a password may be tried: in bursts as people do, and slowly after that.

Ours and small, not django-axes: that one wants a host's middleware, authentication backend and
tables, writes to the database for each try, and locks the name that is attacked out of its own
account. Here a name that is attacked waits seconds, never for good, and nothing outlives the
process; several web processes allow as many times more.
"""

import math
import threading
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

MAX_KEPT = 10_000
"""Of addresses, and of names. Beyond it those go that were not tried for the longest time."""
_KEY_LENGTH = 150
"""The longest user name that Django stores."""
_IPV6_SUBSCRIBER = 64
"""Bits. One subscriber has all the addresses that begin with them."""


class Rate(NamedTuple):
    """So many tries at once, and one more every so many seconds."""

    burst: int
    every_s: float


PER_ADDRESS = Rate(30, 10.0)
"""An office may share one."""
PER_NAME = Rate(10, 30.0)


class Throttle:
    """May be used from any thread. `now` is in seconds of a clock that never goes back."""

    def __init__(self, address: Rate = PER_ADDRESS, name: Rate = PER_NAME) -> None:
        self._addresses = _Tries(address)
        self._names = _Tries(name)
        self._lock = threading.Lock()

    def take(self, address: str, name: str, now: float) -> float:
        """Count a try; 0 when it may go on, else in how many seconds it may be repeated. A try
        that is refused is not counted."""
        keys = _subscriber(address), _spelt(name)
        with self._lock:
            # Where no address is known, everybody would share it.
            wait_s = self._addresses.wait_s(keys[0], now) if address else 0.0
            wait_s = max(wait_s, self._names.wait_s(keys[1], now))
            if not wait_s:
                if address:
                    self._addresses.take(keys[0], now)
                self._names.take(keys[1], now)
        return math.ceil(wait_s)

    def forget(self, address: str, name: str) -> None:
        """The try was right: it counts neither against its name nor against its address."""
        with self._lock:
            self._addresses.give_back(_subscriber(address))
            self._names.forget(_spelt(name))


class Budget:
    """How often something may be asked for from one address, whatever it is. May be used from any
    thread. `now` is in seconds of a clock that never goes back."""

    def __init__(self, rate: Rate) -> None:
        self._asked = _Tries(rate)
        self._lock = threading.Lock()

    def take(self, address: str, now: float) -> int:
        """Count a request; 0 when it may go on, else in how many seconds it may be repeated. One
        that is refused is not counted, nor is one whose address is not known."""
        if not address:
            return 0
        key = _subscriber(address)
        with self._lock:
            wait_s = self._asked.wait_s(key, now)
            if not wait_s:
                self._asked.take(key, now)
        return math.ceil(wait_s)


class _Tries:
    """For each key the instant at which all of its burst would be allowed again."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        used_s = max(0.0, self._free_at.get(key, now) - now)
        return max(0.0, used_s - (self._rate.burst - 1) * self._rate.every_s)

    def take(self, key: str, now: float) -> None:
        self._free_at[key] = max(now, self._free_at.pop(key, now)) + self._rate.every_s
        if len(self._free_at) > MAX_KEPT:
            self._free_at.popitem(last=False)

    def give_back(self, key: str) -> None:
        if key in self._free_at:
            self._free_at[key] -= self._rate.every_s

    def forget(self, key: str) -> None:
        self._free_at.pop(key, None)


def _subscriber(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:_KEY_LENGTH]
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return parsed.exploded[: _IPV6_SUBSCRIBER // 16 * 5]
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _spelt(name: str) -> str:
    return name.strip().casefold()[:_KEY_LENGTH]


sign_in = Throttle()
"""Of this process."""
