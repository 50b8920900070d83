"""The queries behind lists, the queue and the sweep use an index on every table that grows."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from apps.accounts import giving, granting, groups, profiles, role_table
from apps.accounts import queries as accounts
from apps.accounts.access_reviews import lapsing
from apps.accounts.access_reviews import queries as access_reviews
from apps.accounts.models import AccessReview, User
from apps.approvals import conditions, policies, refreshing, timers
from apps.approvals import queries as approvals
from apps.approvals.checks import external
from apps.approvals.conditions.queries import conditions_of
from apps.approvals.delegating import queries as delegating
from apps.approvals.delegating.voices import speaks_for
from apps.approvals.drift import queries as drift
from apps.approvals.exceptional import after_review, recertification, rollback
from apps.approvals.exceptional import queries as exceptional
from apps.approvals.history import queries as history
from apps.approvals.models import UNSETTLED, ApprovalPolicy, ApprovalRequest, ExternalCheck, Waiver
from apps.approvals.policies import freezes
from apps.approvals.policies.replaying import dry_run
from apps.approvals.queue import queries as queue
from apps.approvals.templatetags import people_tags
from apps.audit import queries as audit
from apps.audit.access import services as accesses
from apps.audit.models import AuditEvent
from apps.compliance.holds import queries as holding
from apps.compliance.matrix import keeping
from apps.compliance.matrix import queries as matrix
from apps.jobs import services as jobs
from apps.jobs.models import ACTIVE_STATES, Job
from apps.notifications import queries as notifications
from apps.notifications.models import Delivery, Endpoint
from apps.notifications.sending import lanes, mail
from apps.registry import directions, holds, placements
from apps.registry import queries as registry
from apps.registry.comparing import Directions, comparisons
from apps.registry.health import queries as health
from apps.registry.inventory import rows as inventory
from apps.registry.inventory.counting import counts
from apps.registry.inventory.filters import SORTS, Filters
from apps.registry.inventory.saved_views import visible_views
from apps.registry.keyset import Order
from apps.registry.models import ModelVersion
from tests.performance.test_query_counts import World

GROW = ("accounts_apitoken", "accounts_session", "accounts_accessreviewitem", "accounts_grant",
        "accounts_user_groups", "compliance_keptcount",
        "registry_registeredmodelgrouppermission", "approvals_delegation", "approvals_condition",
        "approvals_driftfinding", "approvals_bypass", "approvals_afterreview",
        "approvals_freezewindow", "approvals_externalcheck", "approvals_waiver",
        "compliance_legalhold", "compliance_holdbreach",
        "audit_access",
        "audit_auditevent", "jobs_job", "approvals_approvalrequest", "approvals_review", "registry_modelversion",
        "registry_registeredmodel", "registry_modelalias", "registry_syncrun",
        "notifications_notification", "notifications_delivery",
        "approvals_openseat", "approvals_barredreviewer",
        "registry_placement", "registry_webhookdelivery", "registry_deliveryrefusal")  # fmt: skip
SQLITE_SCAN = re.compile(r"^SCAN (\w+)(?! USING)$")
POSTGRES_SCAN = re.compile(r"Seq Scan on (\w+)")


def events(**filters: object) -> Callable[[User], object]:
    return lambda user: list(audit.filtered(audit.visible_events(user), filters)[:50])


def models(sort: str = "name", **filters: Any) -> Callable[[User], object]:
    return lambda user: inventory.page(user, Filters(**filters), Order.of(sort), 50)


def requests(**filters: object) -> Callable[[User], object]:
    return lambda user: list(approvals.visible_requests(user).filter(**filters)[:50])


QUERIES: dict[str, Callable[[User], object]] = {
    "grants to lapse": lambda user: giving.lapse(),
    "access reviews": lambda user: access_reviews.newest_first(access_reviews.visible_reviews(user), None, 20),
    "grants of an access review": lambda user: access_reviews.page(
        access_reviews.items_of(user, AccessReview.objects.latest("pk")), 3, 50
    ),
    "grants of an access review in a state": lambda user: access_reviews.page(
        access_reviews.items_of(user, AccessReview.objects.latest("pk"), decision="pending"), None, 50
    ),
    "how far access reviews are": lambda user: access_reviews.progress(list(AccessReview.objects.all()[:9]), user),
    "grants that wait for an answer": lambda user: access_reviews.page(access_reviews.waiting_for(user), None, 50),
    "access reviews to tend": lambda user: lapsing.tend(),
    "grants that reach a model": lambda user: granting.follow([registry.get_model(user, "first").pk]),
    "who holds which role": lambda user: role_table.holders(user, {}, 50),
    "who holds one role": lambda user: role_table.holders(user, {"role": "viewer", "scope": "model"}, 50),
    "how many grants count on what": lambda user: role_table.role_table(),
    "groups as a table": lambda user: groups.group_lines(user, groups.matching_groups("")[:25]),
    "a group": lambda user: list(groups.group_overview(user, Group.objects.get(name="everybody")).members),
    "a person": lambda user: profiles.profile_of(user, user),
    "tokens of a person": lambda user: accounts.listed_tokens(accounts.visible_tokens(user, user)[:50], user),
    "delegations of a person": lambda user: people_tags.person_delegations(user, user),
    "what a person decided": lambda user: people_tags.person_decisions(user, user),
    "events": events(),
    "events of a model": events(model_id=1),
    "events of a person": events(actor="alice"),
    "events of an action": events(action=["model.changed"]),
    "refusals": events(outcome="refused"),
    "requests": requests(),
    "requests in a state": requests(state="open"),
    "requests of a requester": requests(requester=1),
    **{f"requests in the queue: {tab}": (lambda user, tab=tab: queue.page(user, tab)) for tab in queue.TABS},
    **{f"requests counted: {tab}": (lambda user, tab=tab: queue.count(user, tab)) for tab in queue.TABS},
    "requests to expire": lambda user: timers.expire(),
    "requests to remind of": lambda user: timers.remind(),
    "requests to look at again": lambda user: refreshing.look_at_ripe(),
    "open requests of changed models": lambda user: refreshing.look_at_models([1, 2], requested_by="x"),
    "requests to apply": lambda user: timers.apply_due(),
    "checks reported on a version": lambda user: external.current(ModelVersion(pk=1)),
    "reports of a version": lambda user: list(ExternalCheck.objects.filter(version=1).order_by("-id")),
    "waivers of a request": lambda user: list(Waiver.objects.filter(request=1, revoked_at=None)),
    "open requests of models": lambda user: list(approvals.open_requests_for([1, 2])),
    "requests of versions": lambda user: approvals.requests_by_version([1, 2]),
    **{f"models by {sort}": models(sort) for column in SORTS.values() for sort in (column, f"-{column}")},
    "models with a version in a stage": models(stage=("Production",)),
    "models with an alias": models(alias=("champion",)),
    "models with a tag": models(tag=("team", "team=risk")),
    "delegations": lambda user: list(delegating.current(delegating.visible_delegations(user))[:50]),
    "delegations that ended": lambda user: list(delegating.ended(delegating.visible_delegations(user))[:50]),
    "delegations in force": lambda user: speaks_for(user, registry.get_model(user, "first")),
    "conditions of a request": lambda user: conditions_of(ApprovalRequest(pk=1), user),
    "conditions that are overdue": lambda user: conditions.revoke_overdue(),
    "drift": lambda user: list(drift.visible_findings(user).filter(state__in=UNSETTLED)[:50]),
    "settled drift": lambda user: list(drift.visible_findings(user).exclude(state__in=UNSETTLED)[:50]),
    "drift waiting": lambda user: drift.waiting_for(user).count(),
    "what was in Production then": lambda user: history.page_of(user, "Production", timezone.now(), 50),
    "where versions of a model were then": lambda user: history.of_model(
        registry.get_model(user, "first"), timezone.now()
    ),
    "where a version is, to move it": lambda user: placements.move(
        [placements.Place(1, 1, timezone.now(), stage="None"), placements.Place(1, None, timezone.now(), alias="x")]
    ),
    "reviews owed": lambda user: list(exceptional.owed(user)[:50]),
    "what was not ratified": lambda user: list(exceptional.not_ratified(user)[:50]),
    "bypasses asked for": lambda user: list(exceptional.asked(user)[:50]),
    "approvals that end": lambda user: list(exceptional.ending(user)[:50]),
    "bypasses by month": lambda user: exceptional.per_month(user),
    "reviews owed by a model": lambda user: exceptional.reviews_on(1),
    "approvals of a model that end": lambda user: exceptional.ending_on(1),
    "versions to go back to": lambda user: rollback.targets(registry.get_model(user, "first"), stage="Production"),
    "reviews to note as overdue": lambda user: after_review.note_overdue(),
    "approvals to note as ending": lambda user: recertification.note_ending(),
    "drift of a model": lambda user: drift.unsettled_on(registry.get_model(user, "first")),
    "the policy of a target": lambda user: policies.in_force(registry.get_model(user, "first").pk, "Production"),
    "requests let through": lambda user: dry_run(ApprovalPolicy.objects.filter(stage="Production")[0], by=user),
    "the matrix": lambda user: matrix.page_of(user, matrix.Wanted(), timezone.now(), 50),
    "the matrix of the past": lambda user: matrix.page_of(
        user, matrix.Wanted(at=timezone.now() - timedelta(days=1)), timezone.now(), 50
    ),
    "counts that are kept": lambda user: keeping.kept(user, {"of": "clauses"}, [1], timezone.now()),
    "counts to drop": lambda user: keeping.keep(user, {"of": "clauses"}, [1], [], timezone.now()),
    "the matrix of a tier then": lambda user: matrix.page_of(
        user,
        matrix.Wanted(at=timezone.now() - timedelta(days=1), risk="high", q="first"),
        timezone.now(),
        50,
    ),
    "the matrix of a tier": lambda user: matrix.page_of(user, matrix.Wanted(risk="high"), timezone.now(), 50),
    "accesses that are kept no longer": lambda user: accesses.prune(),
    "holds": lambda user: list(holding.standing(holding.visible_holds(user))[:50]),
    "holds of a model": lambda user: holding.standing_on(registry.get_model(user, "first")),
    "holds of a run": lambda user: holds.held_run("default", "run1"),
    "freezes that stand": lambda user: list(freezes.standing(timezone.now())),
    "views": lambda user: list(visible_views(user)),
    "a model by name": lambda user: registry.get_model(user, "first"),
    "the version in production": lambda user: registry.production_version(registry.get_model(user, "first")),
    "metrics without a direction": lambda user: directions.without_direction(user, Directions()),
    "versions to suggest": lambda user: comparisons.suggestions(user),
    "the version in production before": lambda user: comparisons.previous_production(
        registry.get_model(user, "first"), None
    ),
    "versions to choose": lambda user: comparisons.choices(comparisons.versions_of(user, [("first", 1)])),
    "versions to read": lambda user: list(ModelVersion.objects.filter(details_due_at__lte=timezone.now())[:10]),
    "the last syncs": lambda user: registry.sync_status(),
    "how connections fare": lambda user: health.health(),
    "notifications": lambda user: list(notifications.notifications_of(user)[:50]),
    "notifications of a kind": lambda user: list(notifications.notifications_of(user).filter(kind="drift")[:50]),
    "unread notifications": notifications.unread_count,
    "mail that is due": lambda user: list(mail.due(timezone.now()).order_by("mail_at").values_list("user")[:50]),
    "mail of a person": lambda user: list(mail.due(timezone.now()).filter(user=user).order_by("event_id")[:50]),
    "deliveries that are due": lambda user: lanes.start_due(),
    "the next delivery": lambda user: lanes._next(1, 0),
    "deliveries": lambda user: list(Delivery.objects.filter(endpoint=1).order_by("-event_id")[:50]),
    "deliveries in a state": lambda user: list(
        Delivery.objects.filter(endpoint=1, state="dead").order_by("-event_id")[:50]
    ),
    "webhooks with counts": lambda user: list(Endpoint.objects.annotate(rows=Count("deliveries"))),
    "the trail from a place on": lambda user: list(AuditEvent.objects.filter(pk__gt=3, pk__lte=9).order_by("pk")),
    "jobs to claim": lambda user: jobs.claim(1),
    "jobs to sweep": lambda user: jobs.sweep(),
    "a job by key": lambda user: Job.objects.filter(key="sync", state__in=ACTIVE_STATES).first(),
}


@pytest.fixture
def world(admin, mallory) -> World:
    """Thirty rows of everything; mallory holds a role on each model, admin on the whole registry."""
    world = World(mallory)
    world.grow(30)
    return world


def plans(run: Callable[[User], object], user: User) -> list[str]:
    """Run it and return the lines of its queries' plans, sequential scans forbidden where there is another way."""
    asked: list[tuple] = []

    def note(execute, sql, params, many, context):
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        run(user)
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    lines = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # thirty rows are quicker to scan than an index
        for sql, params in asked:
            if sql.startswith(("SELECT", "UPDATE")):
                cursor.execute(f"{explain} {sql}", params)
                lines += [str(row[-1]).strip() for row in cursor.fetchall()]
    return lines


def scanned(lines: list[str]) -> list[str]:
    """The tables that were read from one end to the other, by their name or (SQLite) their alias in a subquery."""
    scan = POSTGRES_SCAN if connection.vendor == "postgresql" else SQLITE_SCAN
    named = [found[1] for line in lines if (found := scan.search(line))]
    return [name for name in named if name in GROW or re.fullmatch(r"[U-Z]\d+", name)]


def test_lists_and_queues_read_through_an_index(world, admin, mallory):
    readers = {"admin": admin, "mallory": mallory}
    found = {
        f"{name} ({who})": scanned(plans(run, User.objects.get(pk=user.pk)))
        for name, run in QUERIES.items()
        for who, user in readers.items()
    }
    assert {name: tables for name, tables in found.items() if tables} == {}


# These read the whole table of models, by what they are: the table of versions, ten times its size, is never touched.
WHOLE_TABLE: dict[str, Callable[[User], object]] = {
    "search": models(
        q="model first"
    ),  # SQLite has no index for a text's middle; ten thousand short texts are soon read
    "counts": lambda user: counts(user, Filters(stage=("Production",), owner=("x",), q="model")),  # counting is reading
    "deleted models": models(deleted="only"),  # the indexes of the list hold what lives
}


@pytest.mark.parametrize("name", WHOLE_TABLE)
def test_what_reads_every_model_reads_no_version(world, admin, name):
    lines = plans(WHOLE_TABLE[name], User.objects.get(pk=admin.pk))
    assert [line for line in lines if "registry_modelversion" in line] == []


def test_search_reads_through_an_index(world, admin):
    """PostgreSQL's knows groups of letters; SQLite goes through the names in order until the page is full."""
    assert scanned(plans(WHOLE_TABLE["search"], User.objects.get(pk=admin.pk))) == []


def test_a_scan_would_be_noticed(world, admin):
    lines = plans(lambda user: list(ModelVersion.objects.filter(description="x")), admin)
    assert scanned(lines) == ["registry_modelversion"]
