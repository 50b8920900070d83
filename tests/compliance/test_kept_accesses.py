"""What the access log says about something on legal hold is kept as long as the hold stands."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.access import services as accesses
from apps.audit.access.services import Asked, note
from apps.audit.actions import AccessOutcome
from apps.audit.models import Access
from apps.compliance.holds import services
from apps.registry.models import RegisteredModel
from tests.builders import make_model, make_version
from tests.compliance.test_holds import ada  # noqa: F401 - a fixture


@pytest.fixture
def model(db, settings) -> RegisteredModel:
    settings.ACCESS_LOG_DAYS = 30
    model = make_model("churn")
    make_version(model, 1)
    return model


def read_long_ago(what: str, model: RegisteredModel | None, days: int = 31) -> None:
    """A download, so many days ago."""
    key = model.pk if model else None
    note(AccessOutcome.GRANTED, Asked("GET", "registry:export", what, key), status=200, person="bob")
    row = Access.objects.latest("id")
    Access.objects.filter(pk=row.pk).update(at=timezone.now() - timedelta(days=days))


def kept() -> list[str]:
    return list(Access.objects.order_by("id").values_list("object", flat=True))


@pytest.mark.parametrize("number", [None, 1])
def test_rows_about_a_held_model_are_kept_and_others_are_removed(model, admin, number):
    services.set_hold("churn", number, reason="Case 4.", by=admin)
    read_long_ago("churn", model), read_long_ago("other", make_model("other")), read_long_ago("", None)
    assert (accesses.prune(), kept()) == (2, ["churn"])


def test_rows_about_a_model_whose_hold_was_lifted_are_removed(model, admin, ada):  # noqa: F811 - a fixture
    hold = services.set_hold("churn", reason="Case 4.", by=admin)
    read_long_ago("churn", model), read_long_ago("churn again", model, days=29)
    before = accesses.prune()
    services.lift(hold.pk, reason="Closed.", by=ada)
    assert (before, accesses.prune(), kept()) == (0, 1, ["churn again"])


def test_a_second_hold_that_stands_keeps_them(model, admin, ada):  # noqa: F811 - a fixture
    first = services.set_hold("churn", reason="Case 4.", by=admin)
    services.set_hold("churn", 1, reason="Case 5.", by=admin)
    services.lift(first.pk, reason="Closed.", by=ada)
    read_long_ago("churn", model)
    assert (accesses.prune(), kept()) == (0, ["churn"])


def test_many_kept_rows_stand_in_the_way_of_none(model, admin, monkeypatch):
    monkeypatch.setattr(accesses, "PRUNE_BATCH", 2)
    services.set_hold("churn", reason="Case 4.", by=admin)
    for days in range(50, 40, -1):
        read_long_ago(f"churn {days}", model, days)
        read_long_ago(f"other {days}", None, days)
    assert (accesses.prune(), kept()) == (10, [f"churn {days}" for days in range(50, 40, -1)])


def test_rows_of_one_moment_are_all_removed(db, settings, monkeypatch):
    settings.ACCESS_LOG_DAYS = 30
    monkeypatch.setattr(accesses, "PRUNE_BATCH", 2)
    for number in range(5):
        read_long_ago(str(number), None)
    Access.objects.update(at=timezone.now() - timedelta(days=31))
    assert (accesses.prune(), kept()) == (5, [])
