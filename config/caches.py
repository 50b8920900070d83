"""The caches that Django has, which also count in one step: for the limits on requests (apps/accounts/rates.py)."""

from functools import cached_property
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache


class CountingRedisCache(RedisCache):
    """Counts with one way to Redis and back."""

    @cached_property
    def _client(self) -> Any:
        """The client, which the cache of Django makes anew for every question: that takes as long as asking."""
        return self._cache.get_client(write=True)

    def count(self, key: str, seconds: int, by: int = 1) -> int:
        """Add to what was counted under `key` and return it; forgotten when nothing was counted for `seconds`."""
        stored = self.make_and_validate_key(key)
        steps = self._client.pipeline(transaction=False)
        steps.incrby(stored, by)
        steps.expire(stored, seconds)
        counted, _kept = steps.execute()
        return int(counted)


class CountingLocalCache(LocMemCache):
    """Counts for this process alone."""

    def count(self, key: str, seconds: int, by: int = 1) -> int:
        """Add to what was counted under `key` and return it; forgotten `seconds` after the first."""
        self.add(key, 0, seconds)
        try:
            return int(self.incr(key, by))
        except ValueError:  # forgotten between the two lines
            return by
