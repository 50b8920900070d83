"""What follows from grants, and how it is kept true as models come and change."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from apps.accounts import giving, granting, grants
from apps.accounts.grant_scopes import Facts
from apps.accounts.granting import EVERYWHERE, FOREVER, Held, Holder, Kept
from apps.accounts.models import Grant, TimedPermission, User
from apps.accounts.permissions import Permission
from apps.accounts.roles import ADMIN, REVIEWER, VIEWER
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import summaries
from apps.registry.applying import apply, load
from apps.registry.models import DEFAULT_CONNECTION, RegisteredModel, RegisteredModelGroupPermission
from apps.registry.planning import plan
from tests.accounts.test_grants import fresh
from tests.builders import make_model
from tests.registry.test_planning import LATER, remote, theirs

TEAM = Holder("group", 7)
SOON = timezone.now() + timedelta(days=3)
READ, REVIEW = Permission.MODEL_READ, Permission.MODEL_REVIEW


@pytest.fixture
def team(mallory) -> Group:
    group = Group.objects.create(name="team")
    mallory.groups.add(group)
    return group


def give(holder, role: str, scope: str, value: str = "", **more) -> Grant:
    """Store a grant and what follows from it, as the service does once it has decided."""
    kind = "group" if isinstance(holder, Group) else "person"
    grant = Grant.objects.create(**{kind: holder}, role=role, scope=scope, value=value, reason="Test", **more)
    granting.bring_up(holder, meant=[grant])
    return grant


def mirrored(*models) -> None:
    """Bring the mirror in step with these models of MLflow, as a pass does."""
    listing = remote(*models)
    with transaction.atomic():
        apply(
            DEFAULT_CONNECTION,
            plan(listing, load(DEFAULT_CONNECTION, listing.names(), {m.created_at for m in models})),
            listing,
        )


def seen_by(user: User, permission: Permission = READ) -> list[str]:
    return sorted(
        grants.visible_to(fresh(user), RegisteredModel.objects.all(), permission).values_list("name", flat=True)
    )


def a_grant(role: str = "viewer", scope: str = "pattern", value: str = "churn-*", **more) -> Grant:
    return Grant(group_id=7, role=role, scope=scope, value=value, **more)


def test_a_grant_gives_its_permissions_on_each_model_that_it_reaches():
    models = [Facts(1, "default", "churn-1", {}, ""), Facts(2, "default", "fraud", {}, "")]
    assert granting.follows_from([a_grant("reviewer")], models) == {
        Held(TEAM, READ, 1): FOREVER, Held(TEAM, REVIEW, 1): FOREVER,
    }  # fmt: skip


def test_what_two_grants_give_ends_with_the_last_of_them():
    models = [Facts(1, "default", "churn-1", {}, "")]
    timed = a_grant(until=SOON)
    assert granting.follows_from([timed], models) == {Held(TEAM, READ, 1): SOON}
    assert granting.follows_from([timed, a_grant("reviewer")], models)[Held(TEAM, READ, 1)] == FOREVER


def test_the_admin_role_adds_the_installation_on_the_whole_registry_alone():
    everywhere = granting.follows_from([a_grant("admin", "registry", "")], [])
    assert Held(TEAM, Permission.PEOPLE_MANAGE, EVERYWHERE) in everywhere
    on_models = granting.follows_from([a_grant("admin")], [Facts(1, "default", "churn-1", {}, "")])
    assert {held.permission for held in on_models} == ADMIN.permissions


def test_a_role_that_nobody_knows_gives_nothing():
    assert granting.follows_from([a_grant("emperor", "registry", "")], []) == {}


def test_on_a_model_with_requests_a_duty_waits_and_a_loss_does_not():
    gains = granting.difference({Held(TEAM, REVIEW, 1): FOREVER, Held(TEAM, READ, 1): FOREVER}, {}, busy=frozenset({1}))
    assert (gains.given, gains.waiting) == ([Held(TEAM, READ, 1)], [Held(TEAM, REVIEW, 1)])
    there = {Held(TEAM, REVIEW, 1): Kept(FOREVER, None, 5)}
    assert granting.difference({}, there, busy=frozenset({1})).taken == [Held(TEAM, REVIEW, 1)]


def test_a_pattern_follows_models_as_they_come_and_are_renamed(team, mallory):
    give(team, "viewer", "pattern", "churn-*")
    mirrored(theirs("churn-1"), theirs("fraud", created=LATER))
    assert seen_by(mallory) == ["churn-1"]
    mirrored(theirs("other-1", updated=LATER), theirs("churn-2", created=LATER, updated=LATER))
    assert (seen_by(mallory), RegisteredModel.objects.count()) == (["churn-2"], 2)


def test_a_tag_follows_models_as_they_change_their_tags(team, mallory):
    give(team, "viewer", "tag", "team=payments")
    give(team, "reviewer", "risk", "high")
    mirrored(theirs(tags={"team": "payments", "risk_tier": "high"}))
    assert (seen_by(mallory), seen_by(mallory, REVIEW)) == (["churn"], ["churn"])
    mirrored(theirs(updated=LATER, tags={"team": "payments"}))
    assert (seen_by(mallory), seen_by(mallory, REVIEW)) == (["churn"], [])
    mirrored(theirs(updated=LATER + timedelta(days=1), tags={}))
    assert seen_by(mallory) == []


def test_a_deleted_model_stays_with_who_could_read_it(team, mallory):
    give(team, "viewer", "pattern", "churn*")
    model = make_model()
    granting.follow([model.pk])
    RegisteredModel.objects.filter(pk=model.pk).update(deleted_at=timezone.now())
    granting.follow([model.pk])
    assert seen_by(mallory) == ["churn"]


def test_a_grant_that_ran_out_counts_nowhere_before_anything_is_tidied(team, mallory, admin):
    model = make_model()
    give(team, "reviewer", "model", model_id=model.pk, until=SOON)
    give(team, "admin", "registry", until=SOON)
    held = [lambda: grants.allows(fresh(mallory), REVIEW, model), lambda: bool(seen_by(mallory)),
            lambda: mallory in grants.holders(REVIEW, model),
            lambda: mallory in grants.holders(Permission.PEOPLE_MANAGE),
            lambda: mallory.pk in grants.holders_on(REVIEW, RegisteredModel.objects.all())[model.pk],
            lambda: fresh(mallory).has_perm("accounts.people_manage"),
            lambda: fresh(mallory).has_perm("registry.model_review", model),
            lambda: bool(grants.held_somewhere(fresh(mallory), frozenset({REVIEW}), RegisteredModel)),
            lambda: bool(grants.permissions_of(team)), lambda: bool(grants.permissions_of(team, model)),
            lambda: grants.held_through(team, [REVIEW], RegisteredModel.objects.all()).exists(),
            lambda: bool(grants.held_on(fresh(mallory), [model])[model.pk])]  # fmt: skip
    assert [ask() for ask in held] == [True] * len(held)
    over = timezone.now() - timedelta(seconds=2)
    for rows in (Grant.objects.filter(until__isnull=False), TimedPermission.objects.all(),
                 RegisteredModelGroupPermission.objects.all()):  # fmt: skip
        rows.update(until=over)
    assert [ask() for ask in held] == [False] * len(held)


def test_somebody_who_holds_it_for_good_keeps_it_when_the_timed_one_lapses(team, mallory, admin):
    give(team, "viewer", "registry")
    timed = giving.give_grant(mallory, "viewer", until=timezone.now().date(), by=admin, reason="A look.")
    Grant.objects.filter(pk=timed.pk).update(until=timezone.now() - timedelta(seconds=1))
    assert giving.lapse() == 1
    assert (grants.allows(fresh(mallory), READ), TimedPermission.objects.count()) == (True, 0)


def test_a_tag_that_somebody_writes_in_mlflow_gives_no_voice_on_a_request_under_way(team, mallory):
    give(team, "reviewer", "tag", "team=payments")
    mirrored(theirs())
    model = RegisteredModel.objects.get()
    summaries.set_counts(model.pk, open_requests=1)
    mirrored(theirs(updated=LATER, tags={"team": "payments"}))
    assert (seen_by(mallory), seen_by(mallory, REVIEW)) == (["churn"], [])
    give(team, "viewer", "registry")  # another change of the same group's grants brings it no further
    assert seen_by(mallory, REVIEW) == []
    summaries.set_counts(model.pk, open_requests=0)
    run_job(Job.objects.get().pk)
    assert seen_by(mallory, REVIEW) == ["churn"]


def test_finished_requests_ask_for_no_job_where_nothing_can_wait(team):
    give(team, "reviewer", "registry")
    summaries.set_counts(make_model().pk, open_requests=0)
    assert not Job.objects.exists()


def test_all_grants_worked_out_anew_agree_with_what_was_kept_step_by_step(team, mallory):
    give(team, "reviewer", "pattern", "churn*")
    give(mallory, "viewer", "tag", "team")
    give(team, "viewer", "registry", until=SOON)
    mirrored(theirs("churn"), theirs("fraud", created=LATER, tags={"team": "x"}))
    assert not granting.complete(repair=False)


def test_check_grants_says_what_differs_and_repairs_it(team, mallory, capsys):
    model = make_model()
    give(team, "viewer", "model", model_id=model.pk)
    RegisteredModelGroupPermission.objects.all().delete()
    mallory.user_permissions.add(granting.stored([Permission.SYNC_RUN]).get())
    with pytest.raises(CommandError, match="--repair"):
        call_command("check_grants")
    said = capsys.readouterr().out
    assert f"1 missing:\n  group {team.pk}: model:read on model {model.pk}" in said
    assert f"1 too much:\n  user {mallory.pk}: sync:run on the whole registry" in said
    call_command("check_grants", "--repair")
    call_command("check_grants")
    assert capsys.readouterr().out.endswith("The stored permissions are what follows from the grants.\n")
    assert (seen_by(mallory), grants.allows(fresh(mallory), Permission.SYNC_RUN)) == (["churn"], False)


def test_other_apps_permissions_are_nobodys_grant(team):
    from django.contrib.auth.models import Permission as DjangoPermission

    foreign = DjangoPermission.objects.get(codename="add_group")
    team.permissions.add(foreign)
    call_command("check_grants", "--repair")
    assert list(team.permissions.all()) == [foreign]


def test_set_role_makes_grants(team):
    grants.set_role(team, [VIEWER, REVIEWER], None, by="admin", reason="They sign.")
    grants.set_role(team, [VIEWER], None, by="admin", reason="No more.")
    rows = Grant.objects.filter(group=team).order_by("role").values_list("role", "ended_reason")
    assert list(rows) == [("reviewer", "No more."), ("viewer", "")]
