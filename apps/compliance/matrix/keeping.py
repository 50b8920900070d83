"""What judging every model brings, kept for a minute for whoever asked: with thousands of models it takes seconds.

An answer is one person's, through tokens that leave the same: it tells them again what they were told, and nobody else
anything. It is asked for with the number of models that they see: with one more or less it is worked out anew.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache

from apps.accounts.throttle import CACHE_DOWN

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judged:
    """What came out, in plain values, and when the models were judged for it."""

    answer: Any
    at: datetime


def kept(user: Any, asked: list[Any], now: datetime, work: Callable[[], Any]) -> Judged:
    """Return what `work` brings, or what it brought the same reader within the last minute for what was `asked`."""
    seconds = settings.COMPLIANCE_COUNTS_SECONDS
    if not seconds:
        return Judged(work(), now)
    key = _key(user, asked)
    try:
        found: Judged | None = cache.get(key)
        if found is None:
            found = Judged(work(), now)
            cache.set(key, found, seconds)
    except CACHE_DOWN:
        logger.exception("cache unavailable, models are judged each time")
        return Judged(work(), now)
    return found


def _key(user: Any, asked: list[Any]) -> str:
    """Return the key of an answer: the person, what their token leaves of what they see, and the question."""
    models = user.bounds.models
    bounds = None if models is None else sorted(models)
    question = json.dumps([bounds, user.bounds.managing, asked], default=str)
    return f"compliance:{user.pk}:{hashlib.sha256(question.encode()).hexdigest()}"
