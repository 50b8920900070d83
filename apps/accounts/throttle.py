"""Slowing down whoever guesses passwords and codes. A count is kept under two words, such as an address and a name.

The count is kept in the cache. A cache that is down must not keep people out, so it counts as no failure. Which counts
a sign-in is held against, `apps.accounts.doors` says.
"""

import hashlib
import logging

from django.core.cache import cache
from redis import RedisError

logger = logging.getLogger(__name__)
MAX_FAILURES = 10
WINDOW_SECONDS = 15 * 60
CACHE_DOWN = (RedisError, OSError)


def failures(address: str, username: str) -> int:
    """Return how many sign-ins failed in this window, which begins with the first failure."""
    try:
        return cache.get(_key(address, username), 0)
    except CACHE_DOWN:
        logger.exception("cache unavailable, failed sign-ins are not counted")
        return 0


def count_failure(address: str, username: str) -> int:
    """Add a failure and return how many there are now."""
    key = _key(address, username)
    try:
        cache.add(key, 0, timeout=WINDOW_SECONDS)
        return cache.incr(key)
    except ValueError:  # the window ended between the two lines
        return 1
    except CACHE_DOWN:
        logger.exception("cache unavailable, failed sign-ins are not counted")
        return 1


def forget(address: str, username: str) -> None:
    """Start afresh after a sign-in that succeeded."""
    try:
        cache.delete(_key(address, username))
    except CACHE_DOWN:
        logger.exception("cache unavailable, failed sign-ins are not forgotten")


def _key(address: str, username: str) -> str:
    text = f"{address}\n{username.casefold()}"
    return f"sign-in:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
