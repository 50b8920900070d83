"""How many requests a token, an address and a sign-in page get: so many in each minute of the clock.

Counted in the cache. While that is down, nobody is kept out and the log says so; it is not asked again for a few
seconds, so that no request waits for it. RateLimit headers: draft-ietf-httpapi-ratelimit-headers-10.
"""

import ipaddress
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

from apps.accounts.throttle import CACHE_DOWN
from apps.errors import TooManyRequests

logger = logging.getLogger(__name__)
WINDOW = 60  # seconds
PAUSE = 5.0  # seconds without counting after the cache failed
TOKEN, ADDRESS, SIGN_IN, GATEWAY = "token", "address", "sign-in", "gateway"
KEPT = 10_000  # keys in the memory of a process: those who ask in one minute, seldom more
AHEAD = 1000  # the part of a limit that a process takes at once, and then counts by itself
_resting = {"until": 0.0}
_taken: dict[str, tuple[int, deque[int]]] = {}  # who → the minute, and the numbers in it that are still to be given


@dataclass(frozen=True)
class Standing:
    """Where one of the limits stands after this request: `left` is -1 when it was one too many."""

    name: str
    limit: int
    left: int
    reset: int  # seconds until the next minute begins
    first: bool = False  # of those that were too many in this minute

    @property
    def over(self) -> bool:
        """Whether this request was too many."""
        return self.left < 0


def count(name: str, who: str) -> Standing | None:
    """Count a request of `who` against the limit `name`; None when there is no limit, or nothing can be counted."""
    limit = settings.RATES_PER_MINUTE[name]
    if limit <= 0 or monotonic() < _resting["until"]:
        return None
    now = time()
    try:
        counted = _number(f"rate:{name}:{who}", int(now // WINDOW), max(limit // AHEAD, 1))
    except CACHE_DOWN:
        _resting["until"] = monotonic() + PAUSE
        logger.exception("cache unavailable, requests are not counted and nobody is kept out")
        return None
    first = counted == limit + 1
    if first:
        logger.warning("too many requests: %s %s sent more than %s in a minute", name, who, limit)
    return Standing(name, limit, max(limit - counted, -1), int(WINDOW - now % WINDOW) + 1, first)


def _number(key: str, minute: int, ahead: int) -> int:
    """Return which of its minute a request is. Of a large limit `ahead` numbers are taken at once."""
    counting: Any = cache
    if ahead == 1:
        return int(counting.count(f"{key}:{minute}", 2 * WINDOW))
    minute_of, numbers = _taken.get(key, (0, deque[int]()))
    if minute_of == minute:
        with suppress(IndexError):
            return numbers.popleft()
    last = int(counting.count(f"{key}:{minute}", 2 * WINDOW, ahead))
    if minute_of != minute:
        if len(_taken) >= KEPT:
            _taken.clear()
        numbers = deque()  # of two that begin at once one's rest is given up: it counts, and is not used
        _taken[key] = (minute, numbers)
    numbers.extend(range(last - ahead + 2, last + 1))
    return last - ahead + 1


def refusal(standing: Standing) -> TooManyRequests:
    """Return what to say to who sent too many."""
    message = _("Too many requests: %(limit)s a minute are allowed here (%(name)s). Wait %(seconds)s seconds.")
    return TooManyRequests(
        message % {"limit": standing.limit, "name": standing.name, "seconds": standing.reset}, seconds=standing.reset
    )


def network(address: str) -> str:
    """Return what of an address is counted: IPv4 whole, IPv6 its first 64 bits, for those are one customer's."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def headers(standings: Sequence[Standing]) -> dict[str, str]:
    """Return the header fields that say where the limits stand."""
    if not standings:
        return {}
    found = {
        "RateLimit-Policy": ", ".join(f'"{row.name}";q={row.limit};w={WINDOW}' for row in standings),
        "RateLimit": ", ".join(f'"{row.name}";r={max(row.left, 0)};t={row.reset}' for row in standings),
    }
    over = [row.reset for row in standings if row.over]
    return found | ({"Retry-After": str(max(over))} if over else {})
