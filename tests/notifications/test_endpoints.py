"""Changes to webhooks: who may, what is refused and why, what the trail keeps."""

import pytest

from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, WrongState
from apps.notifications import endpoints, queries
from apps.notifications.forms import FAMILY_LABELS
from apps.notifications.models import Endpoint
from apps.notifications.queueing import FAMILIES
from tests.builders import make_model
from tests.conftest import member

URL = "https://hooks.example.org/assent"


def add(admin, name: str = "chat", **values):
    return endpoints.add_endpoint(by=admin, **{"name": name, "url": URL, **values})


def refused_field(call, *args, **kwargs) -> str | None:
    with pytest.raises((InvalidInput, Conflict)) as caught:
        call(*args, **kwargs)
    return caught.value.field


def test_a_new_webhook_is_enabled_and_recorded(admin):
    made = add(admin, events=["request.*", "drift.found"])
    event = AuditEvent.objects.get(action="webhook.added")
    assert (made.endpoint.enabled, event.actor, event.target, event.data["after"]) == (
        True,
        "admin",
        "chat",
        {
            "name": "chat", "url": URL, "events": ["drift.found", "request.*"], "models": [], "owner": "admin",
            "enabled": True,
        },
    )  # fmt: skip


def test_a_secret_is_long_and_its_own(admin):
    first, second = add(admin, "one").secret, add(admin, "two").secret
    assert (first[:6], len(first), first == second) == ("whsec_", 50, False)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * 101}),
        ("name", {"name": "two\nlines"}),
        ("name", {"name": "\0"}),
        ("url", {"url": "http://hooks.example.org/"}),
        ("url", {"url": "https://user:hush@hooks.example.org/"}),
        ("events", {"events": ["request.eaten"]}),
        ("events", {"events": ["*"]}),
        ("models", {"models": ["nothing"]}),
        ("models", {"models": ["\0"]}),
        ("models", {"models": [f"m{number}" for number in range(101)]}),
    ],
)
def test_settings_that_make_no_sense_name_their_field(admin, field, values):
    assert refused_field(add, admin, **values) == field
    assert Endpoint.objects.count() == 0


def test_a_name_is_given_once(admin):
    add(admin)
    assert refused_field(add, admin) == "name"
    second = add(admin, "other").endpoint
    assert refused_field(endpoints.change_endpoint, second.pk, by=admin, name="chat") == "name"
    assert endpoints.change_endpoint(second.pk, by=admin, name="other").name == "other"


def test_there_is_an_end_to_webhooks(admin):
    for number in range(endpoints.MAX_ENDPOINTS):
        add(admin, f"n{number}")
    with pytest.raises(WrongState):
        add(admin, "one more")


def test_models_are_kept_through_a_change_of_name(admin):
    model = make_model("churn")
    made = add(admin, models=["churn"]).endpoint
    model.name = "attrition"
    model.save()
    assert (made.model_ids, queries.references_of([made])) == ([model.pk], {made.pk: ["attrition"]})


def test_whoever_changes_a_webhook_owns_it(admin):
    made = add(admin).endpoint
    deputy = member("deputy")
    deputy.groups.set(admin.groups.all())
    changed = endpoints.change_endpoint(made.pk, by=deputy, url=f"{URL}/2")
    event = AuditEvent.objects.get(action="webhook.changed")
    assert (changed.owner, event.data["before"]["owner"], event.data["after"]["owner"]) == (deputy, "admin", "deputy")


def test_removing_a_webhook_keeps_it_in_the_trail(admin):
    made = add(admin).endpoint
    endpoints.remove_endpoint(made.pk, by=admin)
    event = AuditEvent.objects.get(action="webhook.removed")
    assert (Endpoint.objects.count(), event.data["before"]["url"]) == (0, URL)


DEEDS = {
    "add": lambda by: endpoints.add_endpoint(by=by, name="x", url=URL),
    "change": lambda by: endpoints.change_endpoint(1, by=by, enabled=False),
    "rotate": lambda by: endpoints.rotate_secret(1, by=by),
    "remove": lambda by: endpoints.remove_endpoint(1, by=by),
    "test": lambda by: endpoints.test_endpoint(1, by=by),
    "send again": lambda by: endpoints.send_again(1, by=by),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_only_admins_manage_webhooks_and_refusals_are_recorded(admin, bob, deed):
    add(admin)
    before = AuditEvent.objects.count()
    with pytest.raises(NotAllowed):
        DEEDS[deed](bob)
    event = AuditEvent.objects.order_by("-pk").first()
    assert (AuditEvent.objects.count() - before, event.actor, event.outcome) == (1, "bob", "refused")


@pytest.mark.parametrize("deed", [name for name in DEEDS if name != "add"])
@pytest.mark.parametrize("number", [0, 99, 2**70])
def test_what_is_not_there_cannot_be_changed(admin, deed, number):
    calls = {
        "change": lambda: endpoints.change_endpoint(number, by=admin, enabled=False),
        "rotate": lambda: endpoints.rotate_secret(number, by=admin),
        "remove": lambda: endpoints.remove_endpoint(number, by=admin),
        "test": lambda: endpoints.test_endpoint(number, by=admin),
        "send again": lambda: endpoints.send_again(number, by=admin),
    }
    with pytest.raises(NotVisible):
        calls[deed]()


def test_every_family_of_events_has_a_label():
    assert sorted(FAMILY_LABELS) == sorted(FAMILIES)


@pytest.mark.parametrize("part", ["version.stage_changed:Moon", "request.applied:Staging", "version.changed:", ":tags"])
def test_a_part_that_no_action_has_is_refused(admin, part):
    assert refused_field(add, admin, events=[part]) == "events"
