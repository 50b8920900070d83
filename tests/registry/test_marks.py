"""How times and actors are named on pages."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.registry.marks import actor_words, ago

A_MOMENT = timedelta(seconds=5)  # so that the test's own time does not count


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=30), "just now"),
        (timedelta(minutes=5), "in 5 min"),
        (timedelta(hours=1), "in 1 hour"),
        (timedelta(days=9), "in 9 days"),
        (timedelta(days=-41), "41 days ago"),
    ],
)
def test_a_time_is_told_by_how_far_away_it_is(away, words):
    assert ago(timezone.now() + away + (A_MOMENT if away > timedelta() else timedelta())) == words


@pytest.mark.parametrize(
    ("actor", "words"),
    [("system:approvals", "Assent"), ("system:operator", "the operator"), ("mlflow", "mlflow"), ("bob", "bob")],
)
def test_an_actor_is_named_as_people_say_it(actor, words):
    assert actor_words(actor) == words
