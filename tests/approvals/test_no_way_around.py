"""Whatever people do, in whatever order: nothing is applied without the votes that its pinned policy demands.

Random people do random things through the services; MLflow answers over HTTP. At each move that is applied, an oracle
that knows nothing of the engine (oracle.py) says from what was done whether it was allowed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from apps.accounts.models import User
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, EMERGENCY, ML_ENGINEER, REVIEWER, VIEWER
from apps.approvals import services, timers, waivers
from apps.approvals.checks import reporting
from apps.approvals.delegating import services as delegating
from apps.approvals.exceptional import after_review, bypass, rollback
from apps.approvals.models import ApprovalRequest, Delegation, ExternalCheck, FreezeWindow, Waiver
from apps.approvals.policies import drafting, publishing
from apps.approvals.signing import Signing
from apps.errors import DomainError
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import services as mirror
from apps.registry.models import ModelVersion
from tests.approvals.oracle import Rule, Terms, Vote, with_vote
from tests.approvals.watching import DAY, Watched, applied_by, person
from tests.builders import THEN, make_model
from tests.conftest import PASSWORD, member
from tests.servers.one_model import Version, one_model

DUTIES = {"reviewers", "emergencys"}
PEOPLE = {
    "alice": (DATA_SCIENTIST, REVIEWER),
    "tina": (DATA_SCIENTIST, REVIEWER),  # trained version 2
    "bob": (VIEWER, REVIEWER),
    "erin": (VIEWER, REVIEWER),
    "frank": (VIEWER, REVIEWER, EMERGENCY),
    "grace": (ML_ENGINEER, EMERGENCY),
    "admin": (ADMIN, EMERGENCY),
}
MEMBERS = {"risk": ("bob", "erin", "alice"), "legal": ("erin", "frank", "tina")}
REASON = "The fraud model stopped scoring at nine and every card is let through."
TIMES = {
    ApprovalRequest: ("apply_after", "expires_at", "approved_at", "remind_at", "recertify_by"),
    Waiver: ("expires_at",),
    Delegation: ("starts_at", "ends_at"),
    ExternalCheck: ("valid_until",),
}
somebody, reviewer = st.sampled_from(sorted(PEOPLE)), st.sampled_from(["alice", "bob", "erin", "frank", "tina"])
number, any_version = st.integers(0, 3), st.sampled_from([2, 3])
rules = st.builds(
    Rule,
    needed=st.sampled_from([1, 1, 2]),
    group=st.sampled_from(["", "risk", "legal"]),
    scopes=st.sampled_from([(), ("metrics",), ("artifact",)]),
)
policies = st.builds(
    Terms,
    rules=st.lists(rules, min_size=1, max_size=2).map(tuple),
    several_rules=st.booleans(),
    staleness=st.sampled_from(["all", "scoped", "none"]),
    exclude_run_owner=st.booleans(),
    exclude_last_editor=st.booleans(),
    required=st.booleans(),
    wait_minutes=st.sampled_from([0, 0, 60]),
    approval_days=st.sampled_from([None, 1]),
)


@contextmanager
def allowed_to_fail() -> Iterator[None]:
    """Most of what random people try is refused; that is as good an answer as any."""
    with suppress(DomainError):
        yield


class NoWayAround(Watched):
    """What people do, and what happens around them."""

    @initialize(terms=st.one_of(st.just(Terms((Rule(1),))), policies), opening=st.sampled_from(["back", "ask", ""]))
    def begin(self, terms: Terms, opening: str = "") -> None:
        model = make_model()
        self.model_id = model.pk
        self.mlflow.versions = {
            n: Version(n, "tina" if n == 2 else "ann", self.stages.get(n, "None")) for n in (1, 2, 3)
        }
        self.mlflow.writes, self.mlflow.trouble = [], ""
        times = {"created_at": THEN, "updated_at": THEN, "stage_since": THEN}
        for n in self.mlflow.versions:
            row = ModelVersion.objects.create(model=model, number=n, stage=self.stages.get(n, "None"), **times)
            mirror.refresh_version(row.pk)
        self.publish(terms)
        if opening == "back":
            self.there_and_back(2, "")
        elif opening == "ask":
            self.ask("alice", 2, draft=False)

    # What people do

    @rule(terms=policies)
    def publish(self, terms: Terms) -> None:
        values = {
            "stage": "Production",
            "reason": "Drawn.",
            "required_checks": ["external:scan"] if terms.required else [],
            **{
                name: getattr(terms, name)
                for name in (
                    "several_rules", "staleness", "exclude_run_owner", "exclude_last_editor", "wait_minutes",
                    "approval_days",
                )
            },
        }  # fmt: skip
        rows = [
            {
                "needed": row.needed,
                "group": Group.objects.get(name=row.group) if row.group else None,
                "scopes": list(row.scopes),
            }
            for row in terms.rules
        ]
        policy = publishing.publish(drafting.draft(values, rows, by=None).pk, by=None)
        self.policies[policy.pk] = terms

    @rule(by=st.sampled_from(["alice", "alice", "tina", "grace"]), version=any_version, draft=st.booleans())
    def ask(self, by: str, version: int, draft: bool) -> None:
        with allowed_to_fail():
            row = ModelVersion.objects.get(number=version)
            asked = services.open_request(row.pk, "Production", reason="Better.", draft=draft, by=person(by))
            if draft:
                services.act(asked.pk, "submit", by=person(by))
            self.pinned[asked.pk] = self.policy_now()

    @rule(
        by=reviewer, nth=number, verdict=st.sampled_from(["approve"] * 6 + ["request_changes"] * 2 + ["reject"]),
        voice=st.sampled_from(["", "", "", "bob", "erin"]), first=st.booleans(),
    )  # fmt: skip
    def vote(self, by: str, nth: int, verdict: str, voice: str = "", first: bool = False) -> None:
        request = self.request(nth)
        if request is None:
            return
        digest = request.snapshots.earliest("pk").digest if first else request.evidence_digest
        with allowed_to_fail():
            services.act(
                request.pk, verdict, by=person(by), comment="Hm.", evidence_digest=digest,
                signing=Signing(on_behalf_of=voice),
            )  # fmt: skip
            self.drop_lapsed(request)
            vote = Vote(by, voice or by, verdict, self.facts(request), self.scopes(request, voice or by))
            self.votes[request.pk] = with_vote(self.votes.get(request.pk, []), vote)

    @rule(nth=number)
    def everybody_approves(self, nth: int) -> None:
        for name in ("tina", "alice", "bob", "erin", "frank"):
            self.vote(name, nth, "approve")

    @rule(by=st.sampled_from(["alice", "grace"]), version=any_version)
    def promote(self, by: str, version: int) -> None:
        """The ordinary way, which chance alone finds too seldom."""
        self.ask(by, version, draft=False)
        self.report("grace" if by == "alice" else "alice", version, "pass")
        self.everybody_approves(0)
        self.workers_work()

    @rule(version=any_version, asker=st.sampled_from(["frank", "grace"]), confirmer=somebody)
    def break_the_glass(self, version: int, asker: str, confirmer: str) -> None:
        self.ask("alice", version, draft=False)
        self.ask_bypass(asker, 0)
        self.confirm_bypass(confirmer, 0)
        self.confirm_bypass("admin", 0)
        self.workers_work()

    @rule(first=any_version, changed=st.sampled_from(["", "", "metric", "files"]))
    def there_and_back(self, first: int, changed: str) -> None:
        self.promote("alice", first)
        self.break_the_glass(5 - first, "frank", "grace")
        if changed:
            self.mlflow_changes(first, changed, seen=False)
        self.roll_back("grace")
        self.workers_work()

    @rule(by=somebody, nth=number, action=st.sampled_from(["withdraw", "retry", "retry", "supersede"]))
    def steer(self, by: str, nth: int, action: str) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                services.act(request.pk, action, by=person(by))

    @rule(by=somebody, nth=number)
    def dismiss_objection(self, by: str, nth: int) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                services.act(request.pk, "dismiss_objection", by=person(by), comment="Explained.")
                objections = [vote for vote in self.votes[request.pk] if vote.verdict != "approve"]
                assert by in ("grace", "admin")
                assert by not in {
                    request.requester.username,
                    *(name for v in objections for name in (v.giver, v.voice)),
                }
                self.votes[request.pk] = [vote for vote in self.votes[request.pk] if vote not in objections]

    @rule(nth=number)
    def repin(self, nth: int) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                services.act(request.pk, "repin", by=person("admin"), comment="Follow the new one.")
                self.pinned[request.pk] = self.policy_now()
                self.drop_lapsed(request)

    @rule(giver=st.sampled_from(["bob", "erin"]), holder=somebody)
    def delegate(self, giver: str, holder: str) -> None:
        with allowed_to_fail():
            delegating.give(holder, by=person(giver), ends_at=timezone.now() + timedelta(days=2))

    @rule(name=reviewer)
    def take_back_delegations(self, name: str) -> None:
        for row in Delegation.objects.filter(delegator__username=name):
            with allowed_to_fail():
                delegating.revoke(row.pk, by=person(name))

    @rule(name=reviewer, group=st.sampled_from(["risk", "legal", "reviewers"]))
    def leave_or_join(self, name: str, group: str) -> None:
        found, user = Group.objects.get(name=group), person(name)
        user.groups.remove(found) if user.groups.filter(pk=found.pk).exists() else user.groups.add(found)

    @rule(name=reviewer)
    def deactivate_or_back(self, name: str) -> None:
        user = person(name)
        User.objects.filter(pk=user.pk).update(is_active=not user.is_active)

    @rule(
        by=st.sampled_from(["alice", "tina", "grace"]),
        version=any_version,
        outcome=st.sampled_from(["pass", "pass", "fail"]),
    )
    def report(self, by: str, version: int, outcome: str) -> None:
        with allowed_to_fail():
            reporting.report(ModelVersion.objects.get(number=version).pk, "scan", outcome, by=person(by))

    @rule(by=somebody, nth=number)
    def waive(self, by: str, nth: int) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                waivers.waive(request.pk, "external:scan", reason="Known.", days=1, by=person(by))
                assert by != request.requester.username

    @rule(by=somebody, nth=number)
    def ask_bypass(self, by: str, nth: int) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                words = {"reason": REASON, "ticket": "OPS-1", "evidence_digest": request.evidence_digest}
                bypass.ask(request.pk, **words, password=PASSWORD, by=person(by))
                self.asked[request.pk] = (by, self.facts(request))

    @rule(by=somebody, nth=number)
    def confirm_bypass(self, by: str, nth: int) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                bypass.confirm(request.pk, evidence_digest=request.evidence_digest, password=PASSWORD, by=person(by))
                self.confirmed[request.pk] = (self.asked[request.pk][0], by, self.asked[request.pk][1])

    @rule(by=reviewer, nth=number, outcome=st.sampled_from(["ratified", "not_ratified"]))
    def review_afterwards(self, by: str, nth: int, outcome: str) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                after_review.review(
                    request.pk, outcome, comment="Looked at.", evidence_digest=request.evidence_digest, by=person(by)
                )
                if outcome == "ratified":
                    self.good.append((request.version.number, request.evidence["artifact"]))

    @rule(by=st.sampled_from(["grace", "admin", "bob"]))
    def roll_back(self, by: str) -> None:
        with allowed_to_fail():
            asked = rollback.roll_back(self.model_id, stage="Production", reason="It breaks.", by=person(by))
            self.pinned[asked.pk] = self.policy_now()

    # What happens around them

    @rule(version=any_version, what=st.sampled_from(["metric", "metric", "files", "stage"]), seen=st.booleans())
    def mlflow_changes(self, version: int, what: str, seen: bool) -> None:
        row = self.mlflow.versions[version]
        row.accuracy = round(row.accuracy + 0.01, 2) if what == "metric" else row.accuracy
        row.files += what == "files"
        if what == "stage":
            row.stage = "Staging" if row.stage != "Staging" else "None"
            self.stages[version] = row.stage
        if seen:
            mirror.refresh_version(ModelVersion.objects.get(number=version).pk)

    @rule(trouble=st.sampled_from(["refused", "unheard"]))
    def mlflow_breaks(self, trouble: str) -> None:
        self.mlflow.trouble = trouble

    @rule()
    def freeze_or_thaw(self) -> None:
        now = timezone.now()
        if not FreezeWindow.objects.filter(lifted_at=None).update(lifted_at=now):
            times = {"starts_at": now - timedelta(days=9), "ends_at": now + timedelta(days=999)}
            FreezeWindow.objects.create(name="Year's end", stage="Production", created_by="admin", **times)

    @rule(minutes=st.sampled_from([45, 45, DAY + 90]))
    def time_passes(self, minutes: int) -> None:
        self.clock += minutes
        for model, columns in TIMES.items():
            model.objects.update(**{name: F(name) - timedelta(minutes=minutes) for name in columns})
        timers.tend()

    @rule()
    def the_timers_ring(self) -> None:
        timers.tend()

    @rule()
    def workers_work(self) -> None:
        for pk in Job.objects.filter(state="queued").order_by("pk").values_list("pk", flat=True):
            Job.objects.filter(pk=pk).update(not_before=timezone.now() - timedelta(seconds=1))
            run_job(pk)
            self.everything_applied_was_allowed()


@pytest.fixture
def everybody(db: Any) -> None:
    for name, roles in PEOPLE.items():
        member(name, *roles)
    for group, names in MEMBERS.items():
        Group.objects.create(name=group).user_set.set(User.objects.filter(username__in=names))


def test_nothing_is_applied_without_the_votes_that_its_policy_demands(everybody, settings):
    applied_by.clear()
    with one_model("churn", THEN, settings) as NoWayAround.mlflow:
        run_state_machine_as_test(NoWayAround, settings=HOW_LONG)
    assert set(applied_by) == {"votes", "bypass", "rollback"}


HOW_LONG = settings(
    max_examples=8,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
