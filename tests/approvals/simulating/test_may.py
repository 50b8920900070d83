"""May X do Y on Z, and why?"""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from apps.accounts import giving, granting
from apps.accounts.models import Grant
from apps.accounts.permissions import Permission
from apps.approvals.simulating.queries import simulate
from apps.errors import NotAllowed
from tests.approvals.test_signers import RegisteredModel
from tests.builders import make_model, make_policy

READ, REVIEW = Permission.MODEL_READ, Permission.MODEL_REVIEW


@pytest.fixture
def team(mallory) -> Group:
    group = Group.objects.create(name="team")
    mallory.groups.add(group)
    return group


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_each_grant_that_gives_it_is_named(model, team, mallory, admin):
    by_pattern = giving.give_grant(team, "reviewer", "pattern", value="chu*", by=admin, reason="They sign.")
    by_name = giving.give_grant(mallory, "model:review", "model", model=model, by=admin, reason="She too.")
    giving.give_grant(team, "reviewer", "pattern", value="fraud*", by=admin, reason="Elsewhere.")
    answer = simulate(mallory, REVIEW, model, by=admin).answer
    assert (answer.allowed, [chain.grant for chain in answer.chains]) == (True, [by_name, by_pattern])
    assert [(chain.through, chain.role, chain.on) for chain in answer.chains] == [
        (None, "model:review", "churn"), (team, "Reviewer", "names like chu*"),
    ]  # fmt: skip


def test_what_is_lacking_and_who_could_give_it_is_said(model, team, mallory, admin):
    ended = giving.give_grant(team, "viewer", "pattern", value="*", by=admin, reason="A look.")
    giving.end_grant(ended.pk, by=admin, reason="Seen.")
    answer = simulate(mallory, READ, model, by=admin).answer
    assert (answer.allowed, answer.chains, [chain.grant for chain in answer.nearly]) == (False, [], [ended])
    assert answer.givers == [admin]


def test_a_grant_that_ran_out_a_moment_ago_gives_nothing(model, mallory, admin):
    today = timezone.now().date()
    grant = giving.give_grant(mallory, "viewer", "pattern", value="*", until=today, by=admin, reason="Today.")
    Grant.objects.filter(pk=grant.pk).update(until=timezone.now())
    granting.bring_up(mallory)
    assert not simulate(mallory, READ, model, by=admin).answer.allowed


def test_a_duty_that_waits_for_a_request_is_said_to_wait(asked, model, team, mallory, admin):
    giving.give_grant(team, "reviewer", "tag", value="team", by=admin, reason="They sign.")
    RegisteredModel.objects.filter(pk=model.pk).update(tags={"team": "x"}, open_requests=1)
    granting.follow([model.pk])
    answer = simulate(mallory, REVIEW, model, by=admin).answer
    assert (answer.allowed, [chain.waits for chain in answer.nearly]) == (False, [True])


def test_open_requests_say_why_somebody_may_not_approve_them(asked, model, alice, bob, erin, admin):
    make_policy("Archived")
    for person, refused in ((alice, "You do not review this model"), (erin, "")):
        (row,) = simulate(person, REVIEW, model, by=admin).requests
        assert (row.request, bool(row.refusal)) == (asked, bool(refused))
    asked.version.tags = {"mlflow.user": "erin"}
    asked.version.save()
    (row,) = simulate(erin, REVIEW, model, by=admin).requests
    assert "registered this version" in row.refusal or "trained this version" in row.refusal
    page = client_of(admin).get("/people/may/?person=erin&permission=model:review&model=churn").content.decode()
    assert f"/requests/{asked.pk}/" in page


def test_people_ask_about_themselves_and_admins_about_everybody(model, charlie, bob, admin):
    assert simulate(charlie, READ, model, by=charlie).answer.allowed
    with pytest.raises(NotAllowed):
        simulate(bob, READ, model, by=charlie)
    said = client_of(charlie).get("/api/v1/may/?permission=model:write")
    assert (said.status_code, said.json()["allowed"], said.json()["givers"]) == (200, False, ["admin"])
    assert client_of(charlie).get("/api/v1/may/?permission=model:read&person=bob").status_code == 404
    assert client_of(admin).get("/api/v1/may/?permission=model:read&person=bob").json()["allowed"] is True


@pytest.mark.parametrize("query", ["permission=model:fly", "permission=model:read&model=nothing",
                                   "permission=model:read&person=nobody"])  # fmt: skip
def test_a_name_that_is_nobodys_comes_back_on_its_field(model, admin, query):
    assert client_of(admin).get(f"/people/may/?{query}").status_code == 400


def test_a_model_out_of_sight_does_not_exist(mallory):
    make_model("secret")
    assert client_of(mallory).get("/api/v1/may/?permission=model:read&model=secret").status_code == 404
    assert client_of(mallory).get("/people/may/?permission=model:read&model=secret").status_code == 400
