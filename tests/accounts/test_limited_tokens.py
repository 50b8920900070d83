"""A token that is limited to models: the others do not exist for it, in no list, count, facet or answer."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse
from django.utils import timezone

from apps.accounts import giving, grants
from apps.accounts.authentication import usable_token
from apps.accounts.models import User
from apps.accounts.permissions import Permission
from apps.accounts.roles import REVIEWER
from apps.accounts.scopes import bounds_of
from apps.accounts.services import create_token
from apps.approvals import services
from apps.approvals.delegating import services as delegations
from apps.approvals.models import DriftFinding
from apps.approvals.policies import freezes
from apps.audit.models import Access, AuditEvent
from apps.compliance.holds import services as holds
from apps.errors import InvalidInput, NotAllowed, NotVisible
from apps.modelcards import services as cards
from apps.notifications.models import Notification
from apps.registry.models import RegisteredModel, SavedView
from tests.accounts.test_authentication import bearer
from tests.accounts.test_scopes import ROUTES
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member
from tests.test_permissions import TABLE, _arguments

HIDDEN = "hidden-model"


@pytest.fixture
def models(db):
    return make_model("churn"), make_model(HIDDEN)


@pytest.fixture
def world(models, alice, bob):
    """Both models with a version in Production, a request of alice's, drift, and something to tell bob."""
    make_policy()
    SavedView.objects.create(owner=bob, name="Mine", query=f"q={HIDDEN}")
    SavedView.objects.create(owner=alice, name=HIDDEN, query="q=x", shared=True)
    for model in models:
        make_version(model, 1, stage="Production")
        version = make_version(model, 2)
        services.open_request(version.pk, "Production", reason=f"Better {model.name}.", by=alice)
        DriftFinding.objects.create(model=model, version=version, kind="stage", expected="None", found="Staging")
        event = AuditEvent.objects.filter(model_id=model.pk).latest("id")
        Notification.objects.create(
            user=bob, model_id=model.pk, event_id=event.pk, action=event.action, kind="asked", text=model.name,
            created_at=event.at,
        )  # fmt: skip
    return models


@pytest.fixture
def more(world, admin, bob, erin):
    """What else says something of the hidden model: grants, accesses, a delegation, a freeze, a card and a hold."""
    now, day = timezone.now(), timedelta(days=1)
    for model in world:
        for person in (admin, bob):
            terms = {"value": f"{model.name}*", "by": admin, "reason": f"For {model.name}."}
            giving.give_grant(person, "viewer", "pattern", **terms)
            giving.give_grant(person, "viewer", "model", model=model, by=admin, reason=f"On {model.name}.")
            Access.objects.create(
                at=now, last_at=now, outcome="granted", status=200, person=person.username, method="GET",
                route="api:version-detail", object=f"{model.name} v1", model_id=model.pk,
            )  # fmt: skip
        terms = {"starts_at": now, "ends_at": now + day, "reason": f"No {model.name}."}
        freezes.set_freeze(f"Freeze of {model.name}", model=model, by=admin, **terms)
        cards.start(model.name, 1, by=admin)
        holds.set_hold(model.name, reason=f"Case of {model.name}.", by=admin)
        delegations.give("erin", by=bob, ends_at=now + day, model=model, reason=f"Away from {model.name}.")
    return world


def limited(person: User, *names: str, scope: str = "read") -> User:
    """The person as they are behind a token that is limited to these models."""
    return usable_token(create_token("ci", by=person, scope=scope, models=names).text).user


def seen(user: User) -> set[str]:
    return set(grants.visible_to(user, RegisteredModel.objects.all()).values_list("name", flat=True))


def test_it_sees_its_models_alone(models, alice):
    assert (seen(limited(alice, "churn")), seen(alice)) == ({"churn"}, {"churn", HIDDEN})


def test_nothing_is_held_on_the_whole_installation_and_the_persons_own_on_its_models(models, admin):
    churn, hidden = models
    user = limited(admin, "churn")
    held = [grants.held_permissions(user, on) for on in (None, churn, hidden)]
    ranks = frozenset({Permission.MODEL_DELETE, Permission.MODEL_DEPLOY, Permission.MODEL_READ, Permission.MODEL_WRITE})
    assert held == [frozenset(), ranks, frozenset()]
    assert grants.held_on(user, models) == {churn.pk: ranks, hidden.pk: frozenset()}
    assert (user.has_perm("accounts.audit_read"), admin.has_perm("accounts.audit_read")) == (False, True)


def test_a_superuser_is_limited_too(models):
    root = User.objects.create_superuser("root")
    user = limited(root, "churn")
    assert (seen(user), grants.allows(user, Permission.PEOPLE_MANAGE), user.has_perm("auth.add_user")) == (
        {"churn"},
        False,
        False,
    )


def test_it_gives_nothing_on_a_model_that_its_person_does_not_see(models, mallory, alice):
    token = create_token("ci", by=alice, models=["churn"]).token
    mallory.bounds = bounds_of(token, secret=token.digest)
    assert seen(mallory) == set()


@pytest.mark.parametrize(("name", "duties"), [("churn", {Permission.MODEL_REVIEW}), (HIDDEN, set())])
def test_a_duty_is_held_somewhere_only_where_the_token_reaches(models, alice, name, duties):
    group = Group.objects.create(name="churn reviewers")
    grants.set_role(group, [REVIEWER], models[0])
    alice.groups.add(group)
    review = frozenset({Permission.MODEL_REVIEW})
    assert grants.held_somewhere(limited(alice, name), review, RegisteredModel) == duties


def test_a_duty_held_everywhere_is_held_on_the_models_of_the_token(models, bob):
    review = frozenset({Permission.MODEL_REVIEW})
    assert grants.held_somewhere(limited(bob, "churn"), review, RegisteredModel) == review


def paths() -> list[str]:
    """Every address of the API that is read, about the model that is out of reach where it needs one."""
    found = []
    for name, method in ROUTES:
        if method == "GET" and name != "api:schema":
            wanted = _arguments(get_resolver(), name)
            numbers = {
                "name": HIDDEN,
                "number": 1,
                "id": 2,
                "connection": "default",
                "run": 1,
                "view": 1,
                "endpoint": 1,
                "control": "drift",
                "username": "bob",
                "review": 1,
                "revision": 1,
                "set": 0,
                "form": "json",
            }
            query = TABLE[name, method].query.replace("churn", HIDDEN)
            found.append(reverse(name, kwargs={key: numbers[key] for key in wanted}) + query)
    return found


@pytest.mark.parametrize("person", ["admin", "bob"])
def test_no_answer_names_a_model_out_of_reach(request, more, person):
    client = bearer(create_token("ci", by=request.getfixturevalue(person), models=["churn"]).text)
    told = {path: client.get(path) for path in paths()}
    assert {path for path, answer in told.items() if HIDDEN in answer.getvalue().decode()} == set()
    assert {answer.status_code for path, answer in told.items() if HIDDEN in path} == {404}


@pytest.mark.parametrize("path", ["/api/v1/requests/", "/api/v1/drift/", "/api/v1/notifications/", "/api/v1/models/"])
def test_lists_hold_what_is_about_its_models_and_count_nothing_else(world, bob, path):
    body = bearer(create_token("ci", by=bob, models=["churn"]).text).get(path).json()
    assert (HIDDEN in json.dumps(body), len(body["results"])) == (False, 1)


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/api/v1/grants/", 1),
        ("/api/v1/audit/accesses/", 2),  # of the model, whoever read it
        ("/api/v1/freezes/", 1),
        ("/api/v1/holds/", 1),
        ("/api/v1/delegations/", 1),
    ],
)
def test_lists_of_what_stands_on_models_hold_those_of_its_models(more, bob, path, number):
    body = bearer(create_token("ci", by=bob, models=["churn"]).text).get(path).json()
    assert (HIDDEN in json.dumps(body), len(body["results"])) == (False, number)


def test_the_person_themselves_still_sees_all_their_grants_and_accesses(more, bob):
    client = bearer(create_token("ci", by=bob).text)
    paths = ("/api/v1/grants/?holder=bob&scope=pattern", "/api/v1/audit/accesses/?person=bob&outcome=granted")
    assert [HIDDEN in client.get(path).content.decode() for path in paths] == [True, True]


def test_facets_count_its_models_alone(world, bob):
    facets = bearer(create_token("ci", by=bob, models=["churn"]).text).get("/api/v1/facets/").json()
    assert facets["count"] == 1


def test_its_own_deeds_on_other_models_are_out_of_its_sight(world, alice):
    body = bearer(create_token("ci", by=alice, models=["churn"]).text).get("/api/v1/audit/events/").json()
    assert {row["model_id"] for row in body["results"]} == {world[0].pk}


def test_it_writes_on_its_models_and_finds_no_other(world, alice):
    client = bearer(create_token("ci", by=alice, models=["churn"], scope="write").text)
    report = {"name": "lint", "outcome": "pass"}
    statuses = [
        client.post(f"/api/v1/models/{name}/versions/2/checks/", report, content_type="application/json").status_code
        for name in ("churn", HIDDEN)
    ]
    assert statuses == [201, 404]


def test_the_limit_costs_no_query(world, bob):
    counts = {}
    for name, models in (("free", ()), ("limited", ("churn",))):
        client = bearer(create_token(name, by=bob, models=models).text)
        client.get("/api/v1/models/")  # the use is noted now
        with CaptureQueriesContext(connection) as queries:
            client.get("/api/v1/models/")
        counts[name] = len(queries)
    assert counts["limited"] == counts["free"]


@pytest.mark.parametrize("names", [["unheard-of"], [HIDDEN]])
def test_a_model_that_one_does_not_see_is_refused_by_field(models, names):
    with pytest.raises(InvalidInput) as caught:
        create_token("ci", by=member("zoe"), models=names)
    assert caught.value.field == "models"


def test_an_admin_token_is_not_limited(models, admin):
    with pytest.raises(InvalidInput) as caught:
        create_token("ci", by=admin, scope="admin", models=["churn"])
    assert caught.value.field == "models"


def test_a_model_named_twice_is_kept_once(models, alice):
    assert create_token("ci", by=alice, models=["churn", "churn"]).token.limited_to == [models[0].pk]


def test_views_are_out_of_its_sight_and_it_keeps_none(world, bob):
    client = bearer(create_token("ci", by=bob, models=["churn"], scope="write").text)
    own = SavedView.objects.get(owner=bob)
    sent = {"content_type": "application/json"}
    answers = [
        client.get("/api/v1/views/").json()["results"],
        client.get(f"/api/v1/views/{own.pk}/").status_code,
        client.patch(f"/api/v1/views/{own.pk}/", {"name": "x"}, **sent).status_code,
        client.delete(f"/api/v1/views/{own.pk}/").status_code,
        client.post("/api/v1/views/", {"name": "Mine", "query": "q=x"}, **sent).status_code,
    ]
    assert (answers, SavedView.objects.count()) == ([[], 404, 404, 404, 403], 2)


def test_it_lends_no_word_on_other_models_and_takes_back_none(models, bob, erin):
    until = timezone.now() + timedelta(days=1)
    everywhere = delegations.give("erin", by=bob, ends_at=until)
    user = limited(bob, "churn", scope="write")
    with pytest.raises(NotAllowed):
        delegations.give("erin", by=user, ends_at=until)
    with pytest.raises(NotVisible):
        delegations.revoke(everywhere.pk, by=user)
    assert delegations.give("erin", by=user, ends_at=until, model=models[0]).model == models[0]
