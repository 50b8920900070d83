"""The gate's truth table: what stands is allowed, and everything that is not known for sure denies."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.approvals import services
from apps.approvals.gate.deciding import Decision, Target, decide
from apps.approvals.models import (
    AfterReview,
    ApprovalPolicy,
    ApprovalRequest,
    Condition,
    DriftFinding,
    Ratification,
    Review,
)
from apps.errors import InvalidInput
from apps.registry.models import ModelAlias, ModelVersion, RegisteredModel, SyncRun
from tests.builders import make_policy, make_version

Change = Callable[[ApprovalRequest], object]
PRODUCTION = Target(stage="Production")
HOUR = timedelta(hours=1)


def ask(number: int = 2, target: Target = PRODUCTION, **more) -> Decision:
    version = ModelVersion.objects.select_related("model").get(number=number)
    return decide(version, target, timezone.now(), **more)


def said(decision: Decision) -> tuple[str, list[tuple[str, str]]]:
    found = [(str(reason.code), str(reason.severity)) for reason in decision.reasons]
    return ("allow" if decision.allow else "deny"), found


def of_request(request: ApprovalRequest, **fields) -> None:
    ApprovalRequest.objects.filter(pk=request.pk).update(**fields)


def of_version(**fields) -> Change:
    return lambda request: ModelVersion.objects.filter(pk=request.version_id).update(**fields)


def owing(*, bypassed: bool, due: timedelta, outcome: str = "") -> Change:
    """An after-review that is due in that time, or was given."""

    def change(request: ApprovalRequest) -> None:
        of_request(request, bypassed=bypassed, expedited=True)
        given = {"outcome": outcome, "reviewer": request.requester, "reviewed_at": timezone.now()} if outcome else {}
        AfterReview.objects.create(request=request, due_at=timezone.now() + due, **given)

    return change


def drift(**fields) -> Change:
    def change(request: ApprovalRequest) -> None:
        values = {"kind": "artifacts", "expected": "a", "found": "b", "version": request.version}
        DriftFinding.objects.create(model=request.version.model, **values | fields)

    return change


def on_a_condition(request: ApprovalRequest) -> None:
    review = Review.objects.get(request=request)
    due = timezone.now() + HOUR
    Condition.objects.create(review=review, text="Log the data set.", owner=review.reviewer, due_at=due)


def read(ago: timedelta) -> Change:
    return lambda request: SyncRun.objects.update(finished_at=timezone.now() - ago)


def nothing(request: ApprovalRequest) -> None:
    """As the apply left it."""


def renamed(request: ApprovalRequest) -> None:
    RegisteredModel.objects.filter(pk=request.version.model_id).update(name="churn-classifier")


def without_policy(request: ApprovalRequest) -> None:
    ApprovalPolicy.objects.update(state="retired", retired_at=timezone.now())


APPLIED: dict[str, tuple[Change, str, list[tuple[str, str]]]] = {
    "applied and unchanged": (nothing, "allow", []),
    "the model has another name": (renamed, "allow", []),
    "moved elsewhere": (of_version(stage="Staging"), "deny", [("not_current", "deny")]),
    "deleted in MLflow": (of_version(deleted_at=timezone.now()), "deny", [("deleted", "deny")]),
    "another artifact": (of_version(source="models:/m-9"), "deny", [("artifact_changed", "deny")]),
    "another library": (of_version(requirements=["scikit-learn==1.8"]), "deny", [("artifact_changed", "deny")]),
    "another metric": (of_version(metrics={"accuracy": 0.8}), "allow", [("details_changed", "warning")]),
    "another description": (of_version(description="Better."), "allow", []),
    "files cannot be read": (of_version(details_state="failed"), "deny", [("details_unread", "deny")]),
    "drift on its files": (drift(), "deny", [("drift", "deny")]),
    "drift on another alias": (drift(kind="alias", alias="champion"), "allow", []),
    "settled drift": (drift(state="accepted", settled_at=timezone.now()), "allow", []),
    "lapsed": (lambda request: of_request(request, lapsed_at=timezone.now()), "deny", [("lapsed", "deny")]),
    "to be recertified yesterday": (
        lambda request: of_request(request, recertify_by=timezone.now() - HOUR),
        "allow",
        [("recertify_overdue", "warning")],
    ),
    "to be recertified a week ago": (
        lambda request: of_request(request, recertify_by=timezone.now() - 7 * 24 * HOUR),
        "deny",
        [("lapsed", "deny")],
    ),
    "to be recertified tomorrow": (
        lambda request: of_request(request, recertify_by=timezone.now() + HOUR),
        "allow",
        [],
    ),
    "bypass under after-review": (owing(bypassed=True, due=HOUR), "allow", [("after_review_due", "warning")]),
    "bypass ratified": (owing(bypassed=True, due=HOUR, outcome=Ratification.RATIFIED), "allow", []),
    "bypass not ratified": (
        owing(bypassed=True, due=HOUR, outcome=Ratification.NOT_RATIFIED),
        "deny",
        [("bypass_not_ratified", "deny")],
    ),
    "bypass whose after-review is overdue": (
        owing(bypassed=True, due=-HOUR),
        "deny",
        [("after_review_overdue", "deny")],
    ),
    "bypass without an after-review": (
        lambda request: of_request(request, bypassed=True, expedited=True),
        "deny",
        [("bypass_not_ratified", "deny")],
    ),
    "rollback whose after-review is overdue": (
        owing(bypassed=False, due=-HOUR),
        "allow",
        [("after_review_overdue", "warning")],
    ),
    "approved on a condition": (on_a_condition, "allow", [("condition_open", "warning")]),
    "a mirror half an hour old": (read(HOUR / 2), "allow", [("stale_mirror", "warning")]),
    "a mirror an hour old": (read(HOUR), "deny", [("stale_mirror", "deny")]),
    "a mirror never read": (lambda request: SyncRun.objects.all().delete(), "deny", [("never_mirrored", "deny")]),
    "no policy any more": (without_policy, "deny", [("no_policy", "deny")]),
}


@pytest.mark.parametrize("case", APPLIED)
def test_applied_request_stands_or_not(applied, case):
    change, decision, reasons = APPLIED[case]
    change(applied)
    assert said(ask()) == (decision, reasons)


def test_allow_names_what_it_rests_on(applied):
    found = ask()
    assert (found.request, found.policy, found.evidence_digest) == (applied, applied.policy, applied.evidence_digest)


def test_same_rows_and_time_give_the_same_decision(applied):
    version, now = ModelVersion.objects.select_related("model").get(number=2), timezone.now()
    assert decide(version, PRODUCTION, now) == decide(version, PRODUCTION, now)


def test_allow_holds_until_the_first_thing_that_ends_it(applied):
    until = timezone.now() + 3 * HOUR
    of_request(applied, recertify_by=until)
    assert ask().valid_until == until + timedelta(days=7)  # the days of grace
    on_a_condition(applied)
    assert ask().valid_until == Condition.objects.get().due_at


def test_deny_holds_until_no_time(applied):
    of_request(applied, recertify_by=timezone.now() + HOUR)
    ModelVersion.objects.filter(number=2).update(stage="Archived")
    assert ask().valid_until is None


@pytest.mark.parametrize(("limit", "decision"), [(60, "deny"), (0, "allow")])
def test_the_operator_says_how_old_a_mirror_may_be(applied, settings, limit, decision):
    settings.GATE_MAX_MIRROR_AGE_SECONDS = limit
    read(HOUR if limit == 0 else timedelta(minutes=2))(applied)
    assert said(ask())[0] == decision


def test_a_mirror_that_is_too_old_says_since_when_and_who_helps(applied):
    read(2 * HOUR)(applied)
    (reason,) = ask().reasons
    last = SyncRun.objects.get().finished_at
    assert (reason.sentence, reason.remedy, reason.url) == (
        f"MLflow was last read at {last:%Y-%m-%d %H:%M} UTC.", "An admin looks at the syncs.", "/sync/",
    )  # fmt: skip


def test_nobody_asked(version, policy, fresh):
    found = ask()
    assert said(found) == ("deny", [("no_request", "deny")])
    assert (found.request, found.policy, found.evidence_digest) == (None, policy, "")
    assert found.reasons[0].url == "/models/churn/v/2/request/"


def test_version_in_the_stage_without_a_request_is_denied(champion, policy, fresh):
    """It was there when Assent first looked: nobody signed it."""
    assert said(ask(1)) == ("deny", [("no_request", "deny")])


def test_target_without_a_policy_is_denied(version, fresh):
    assert said(ask()) == ("deny", [("no_policy", "deny"), ("no_request", "deny")])


def test_open_request_is_denied_with_what_it_waits_for(asked, bob, erin, fresh):
    found = ask()
    assert said(found) == ("deny", [("not_applied", "deny"), ("rule", "deny")])
    assert found.reasons[1].remedy == "It waits for: Bob, Erin."
    assert found.reasons[1].url == f"/requests/{asked.pk}/#signers"


def test_draft_is_as_good_as_nothing(version, policy, alice, fresh):
    ApprovalRequest.objects.create(
        version=version, from_stage="Staging", to_stage="Production", archive_existing=True, requester=alice,
        reason="Better.", state="draft",
    )  # fmt: skip
    assert said(ask()) == ("deny", [("no_request", "deny")])


def test_approved_request_is_enough_only_where_that_is_asked_for(asked, review, erin, fresh):
    review("approve", erin)
    assert said(ask()) == ("deny", [("not_applied", "deny"), ("queued", "deny")])
    enough = ask(approved_is_enough=True)
    assert said(enough) == ("allow", [("not_applied", "warning"), ("queued", "warning")])


def test_approved_request_with_another_artifact_is_not_enough(asked, review, erin, fresh):
    review("approve", erin)
    ModelVersion.objects.filter(number=2).update(source="models:/m-9")
    assert said(ask(approved_is_enough=True)) == ("deny", [("not_applied", "deny"), ("evidence_changed", "deny")])


def test_bypass_that_is_not_applied_is_never_enough(asked, fresh):
    """It has the word of two people, and not the approvals that were asked for."""
    of_request(asked, state="approved", approved_at=timezone.now(), expedited=True, bypassed=True)
    assert said(ask(approved_is_enough=True))[0] == "deny"


@pytest.mark.parametrize("state", ["rejected", "withdrawn", "expired", "superseded"])
def test_request_that_ended_otherwise_is_denied_with_how(asked, fresh, state):
    of_request(asked, state=state, closed_at=timezone.now())
    assert said(ask()) == ("deny", [(state, "deny")])


def test_version_that_was_archived_and_is_asked_for_again_waits_for_the_new_request(applied, alice):
    ModelVersion.objects.filter(number=2).update(stage="Archived")
    again = services.open_request(applied.version_id, "Production", reason="Back.", by=alice)
    found = ask()
    assert (found.request, said(found)[1][0]) == (again, ("not_applied", "deny"))


def test_version_that_another_took_the_place_of_is_not_current(applied):
    make_version(applied.version.model, 3, stage="Production")
    ModelVersion.objects.filter(number=2).update(stage="Archived")
    assert said(ask()) == ("deny", [("not_current", "deny")])
    assert said(ask(3)) == ("deny", [("no_request", "deny")])


@pytest.fixture
def pointed(applied) -> ApprovalRequest:
    """The same, for the alias champion."""
    policy = make_policy("", alias="champion")
    of_request(applied, to_stage="", alias="champion", policy=policy, from_stage="")
    ModelAlias.objects.create(model=applied.version.model, alias="champion", version=applied.version)
    return ApprovalRequest.objects.get(pk=applied.pk)


def test_alias_is_a_target(pointed):
    champion = Target(alias="champion")
    assert said(ask(2, champion)) == ("allow", [])
    drift(kind="alias", alias="champion", expected="2", found="1")(pointed)
    assert said(ask(2, champion)) == ("deny", [("drift", "deny")])


def test_alias_that_points_elsewhere_is_not_current(pointed):
    ModelAlias.objects.update(version=ModelVersion.objects.get(number=1))
    found = ask(2, Target(alias="champion"))
    assert said(found) == ("deny", [("not_current", "deny")])
    assert found.reasons[0].sentence == "churn v2 is no longer in @champion. @champion points to version 1."


@pytest.mark.parametrize(("text", "target"), [("Production", PRODUCTION), ("@champion", Target(alias="champion"))])
def test_target_is_read_and_written_alike(text, target):
    assert (Target.of(text), str(target)) == (target, text)


@pytest.mark.parametrize("text", ["", "production", "@", "@a\0", "@" + "a" * 256, "champion"])
def test_target_that_is_none_is_refused(text):
    with pytest.raises(InvalidInput) as caught:
        Target.of(text)
    assert caught.value.field == "target"


def test_cost_does_not_grow_with_the_past(applied, alice):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            ask()
        return len(captured)

    few = queries()
    for number in range(3, 9):
        make_version(applied.version.model, number)
    for state in ("rejected", "withdrawn", "expired"):
        ApprovalRequest.objects.create(
            version=applied.version, from_stage="Staging", to_stage="Production", archive_existing=True,
            requester=alice, reason="x", state=state, policy=applied.policy, submitted_at=timezone.now(),
            closed_at=timezone.now(),
        )  # fmt: skip
    assert (queries(), few <= 10) == (few, True)
