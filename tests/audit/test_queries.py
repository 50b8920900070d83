from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.roles import VIEWER
from apps.audit import queries
from apps.audit.actions import Action, Outcome
from apps.audit.models import AuditEvent
from apps.audit.services import Actor, Target, record
from apps.errors import NotVisible
from apps.registry.models import RegisteredModel


@pytest.fixture
def model(db) -> RegisteredModel:
    return RegisteredModel.objects.create(name="churn", created_at=timezone.now(), updated_at=timezone.now())


def write(model_id: int | None, actor: str = "zoe", action: Action = Action.MODEL_CHANGED, **more) -> int:
    with transaction.atomic():
        return record(action, by=Actor(actor), target=Target("model", f"model {model_id}", model_id), **more).id


def seen(user) -> list[int]:
    return [event.id for event in queries.visible_events(user)]


def test_admin_sees_every_event_newest_first(admin, model):
    first, second = write(model.pk), write(None)
    assert seen(admin) == [second, first]


def test_viewer_sees_events_of_visible_models_only(charlie, model):
    mine = write(model.pk)
    write(None)
    write(model.pk + 1)
    assert seen(charlie) == [mine]


def test_grant_on_one_model_shows_its_events_alone(mallory, model, django_user_model):
    from django.contrib.auth.models import Group

    group = Group.objects.create(name="one model")
    grants.set_role(group, [VIEWER], model, model_class=RegisteredModel)
    mallory.groups.add(group)
    mine = write(model.pk)
    write(None)
    assert seen(mallory) == [mine]


def test_stranger_sees_what_they_did_themselves(mallory, model):
    write(model.pk)
    own = write(None, "mallory", Action.SESSION_STARTED)
    refused = write(None, "mallory", outcome=Outcome.REFUSED, code="permission_denied")
    assert seen(mallory) == [refused, own]


def test_stranger_does_not_learn_names_from_their_own_refused_attempts(mallory, model):
    write(model.pk, "mallory", outcome=Outcome.REFUSED, code="not_found")
    assert seen(mallory) == []


def test_inactive_person_sees_nothing(admin, model):
    write(model.pk, "admin")
    admin.is_active = False
    assert seen(admin) == []


def test_visible_events_is_one_query(charlie, model, django_assert_num_queries):
    write(model.pk)
    charlie.get_all_permissions()
    with django_assert_num_queries(1):
        assert len(seen(charlie)) == 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, 2),
        ({"actor": "zoe"}, 1),
        ({"actor": "zo"}, 0),
        ({"action": ["request.opened"]}, 1),
        ({"action": ["request.opened", "model.changed"]}, 2),
        ({"outcome": "done", "source": "command"}, 2),
        ({"model_id": 9}, 1),
        ({"target": "MODEL 9"}, 1),
        ({"since": datetime.now(UTC) - timedelta(hours=1), "until": None, "before": 3}, 2),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, 0),
        ({"target_type": "model"}, 2),
        ({"target_type": "mod"}, 0),
        ({"address": "10.0.0.1"}, 0),
        ({"request_id": "r-1"}, 0),
    ],
)
def test_filtered_narrows(db, filters, found):
    write(8)
    write(9, "alice", Action.REQUEST_OPENED)
    assert queries.filtered(AuditEvent.objects.all(), filters).count() == found


def test_get_event_out_of_sight_is_not_found(mallory, model):
    number = write(model.pk)
    with pytest.raises(NotVisible):
        queries.get_event(mallory, number)
