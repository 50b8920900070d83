"""The caches that Django has, which also count in one step: for the limits on requests (apps/accounts/rates.py)."""

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache


class CountingRedisCache(RedisCache):
    """Counts with one way to Redis and back."""

    def count(self, key: str, seconds: int) -> int:
        """Add one to what was counted under `key` and return it; forgotten when nothing was counted for `seconds`."""
        stored = self.make_and_validate_key(key)
        steps = self._cache.get_client(stored, write=True).pipeline(transaction=False)
        steps.incr(stored)
        steps.expire(stored, seconds)
        counted, _kept = steps.execute()
        return int(counted)


class CountingLocalCache(LocMemCache):
    """Counts for this process alone."""

    def count(self, key: str, seconds: int) -> int:
        """Add one to what was counted under `key` and return it; forgotten `seconds` after the first."""
        self.add(key, 0, seconds)
        try:
            return int(self.incr(key))
        except ValueError:  # forgotten between the two lines
            return 1
