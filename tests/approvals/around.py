"""What happens around the requests: people come and go, policies change, MLflow is moved by hand, time passes."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import F
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import rule

from apps.accounts.models import User
from apps.approvals import timers
from apps.approvals.checks import reporting
from apps.approvals.delegating import services as delegating
from apps.approvals.models import ApprovalRequest, Condition, Delegation, ExternalCheck, Waiver
from apps.approvals.policies import drafting, freezes, publishing
from apps.jobs.models import Job
from apps.jobs.tasks import run_job
from apps.registry import services as mirror
from apps.registry.models import ModelVersion
from tests.approvals.deeds import Deeds, allowed_to_fail, any_version, places, reviewer, somebody
from tests.approvals.drift.conftest import point
from tests.approvals.oracle import ALIAS, DAY, STAGE, Report, Rule, Terms
from tests.approvals.watching import person

TIMES = {
    ApprovalRequest: ("apply_after", "expires_at", "approved_at", "remind_at", "recertify_by"),
    Waiver: ("expires_at",),
    Delegation: ("starts_at", "ends_at"),
    ExternalCheck: ("valid_until",),
    Condition: ("due_at",),
}
SAID = (
    "several_rules", "staleness", "exclude_run_owner", "exclude_last_editor", "wait_minutes", "approval_days",
    "moves_alias", "revert_drift",
)  # fmt: skip # of Terms, as the policy has it
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
    moves_alias=st.sampled_from(["", "champion"]),
    revert_drift=st.sampled_from([False, False, True]),
)


class Around(Deeds):
    """People, policies, pipelines, MLflow, the clock and the workers."""

    @rule(terms=policies, place=places)
    def publish(self, terms: Terms, place: str = STAGE) -> None:
        values: dict[str, Any] = {name: getattr(terms, name) for name in SAID}
        if place == ALIAS:
            values |= {"alias": "champion", "moves_alias": "", "revert_drift": False}
        else:
            values |= {"stage": STAGE}
        values |= {"reason": "Drawn.", "required_checks": ["external:scan"] if terms.required else []}
        groups = {group.name: group for group in Group.objects.all()}
        rows = [
            {"needed": row.needed, "group": groups.get(row.group), "scopes": list(row.scopes)} for row in terms.rules
        ]
        policy = publishing.publish(drafting.draft(values, rows, by=None).pk, by=None)
        self.world.policies[policy.pk], self.current[place] = terms, policy.pk

    # People

    @rule(giver=st.sampled_from(["bob", "erin"]), holder=somebody)
    def delegate(self, giver: str, holder: str) -> None:
        with allowed_to_fail():
            row = delegating.give(holder, by=person(giver), ends_at=timezone.now() + timedelta(days=2))
            self.world.lent[row.pk] = (giver, holder, self.world.minute + 2 * DAY)

    @rule(name=reviewer)
    def take_back_delegations(self, name: str) -> None:
        for row in Delegation.objects.filter(delegator__username=name):
            with allowed_to_fail():
                delegating.revoke(row.pk, by=person(name))
                del self.world.lent[row.pk]

    @rule(name=somebody, group=st.sampled_from(["risk", "legal", "reviewers", "reviewers", "emergencys"]))
    def leave_or_join(self, name: str, group: str) -> None:
        found, user, members = Group.objects.get(name=group), person(name), self.world.members[group]
        user.groups.remove(found) if name in members else user.groups.add(found)
        members ^= {name}

    @rule(name=reviewer)
    def deactivate_or_back(self, name: str) -> None:
        self.world.inactive ^= {name}
        User.objects.filter(username=name).update(is_active=name not in self.world.inactive)

    # Pipelines

    @rule(by=st.sampled_from(["alice", "tina", "grace"]), version=any_version,
          outcome=st.sampled_from(["pass", "pass", "fail", "pending"]), detail=st.sampled_from(["", "CVE-1", "CVE-2"]),
          days=st.sampled_from([None, None, 1]))  # fmt: skip
    def report(self, by: str, version: int, outcome: str, detail: str = "", days: int | None = None) -> None:
        with allowed_to_fail():
            row = ModelVersion.objects.get(number=version)
            reporting.report(row.pk, "scan", outcome, detail=detail, valid_days=days, by=person(by))
            until = self.world.minute + days * DAY if days else None
            self.world.reports[version] = Report(outcome, detail, by, until)

    # MLflow

    @rule(version=any_version, what=st.sampled_from(["metric", "metric", "files"]), seen=st.booleans())
    def mlflow_changes(self, version: int, what: str, seen: bool) -> None:
        row = self.mlflow.versions[version]
        row.accuracy = round(row.accuracy + 0.01, 2) if what == "metric" else row.accuracy
        row.files += what == "files"
        self.mirror(version) if seen else None

    @rule(version=st.sampled_from([1, 2, 3]), stage=st.sampled_from(["Production", "Production", "Staging", "None"]),
          seen=st.booleans())  # fmt: skip
    def moved_by_hand(self, version: int, stage: str, seen: bool = True) -> None:
        self.mlflow.versions[version].stage = stage
        self.by_hand.add((stage, version))
        self.no_longer_ours(STAGE, version if stage != STAGE else 0)
        self.mirror(version) if seen else None

    @rule(version=st.sampled_from([0, 1, 2, 3]), seen=st.booleans())
    def pointed_by_hand(self, version: int, seen: bool = True) -> None:
        self.mlflow.aliases = {"champion": version} if version else {}
        self.by_hand.add((ALIAS, version))
        if not version or seen:
            point(ModelVersion.objects.get(number=1), "champion", version or None)
        for other in {1, 2, 3} - {version}:
            self.no_longer_ours(ALIAS, other)

    def no_longer_ours(self, target: str, version: int) -> None:
        """Whoever takes a version away by hand makes bringing it there again a move of its own."""
        asked = self.world.asked
        self.ours = {pk for pk in self.ours if (asked[pk].target, asked[pk].number) != (target, version)}

    def mirror(self, version: int) -> None:
        mirror.refresh_version(ModelVersion.objects.get(number=version).pk)

    @rule(trouble=st.sampled_from(["refused", "unheard"]))
    def mlflow_breaks(self, trouble: str) -> None:
        self.mlflow.trouble = trouble

    @rule()
    def mlflow_is_down_or_back(self) -> None:
        self.mlflow.down = not self.mlflow.down

    # Time

    @rule(stage=st.sampled_from([STAGE, ""]))
    def freeze_or_thaw(self, stage: str = STAGE) -> None:
        self.world.frozen = [] if self.world.frozen else [stage]
        now = timezone.now()
        if self.world.frozen:
            times = {"starts_at": now - timedelta(days=9), "ends_at": now + timedelta(days=300)}
            self.freeze = freezes.set_freeze("Year's end", stage=stage, reason="Quiet.", by=None, **times).pk
        else:
            freezes.lift(self.freeze, by=None, reason="Over.")

    @rule(minutes=st.sampled_from([45, 45, DAY + 90]))
    def time_passes(self, minutes: int) -> None:
        self.note_approved()
        self.world.minute += minutes
        for model, columns in TIMES.items():
            model.objects.update(**{name: F(name) - timedelta(minutes=minutes) for name in columns})
        timers.tend()

    @rule()
    def the_timers_ring(self) -> None:
        timers.tend()

    @rule(last=st.booleans())
    def workers_work(self, last: bool = False) -> None:
        """Run what is queued, once. `last`: jobs have no attempt left after this one."""
        for pk in Job.objects.filter(state="queued").order_by("pk").values_list("pk", flat=True):
            Job.objects.filter(pk=pk).update(not_before=timezone.now() - timedelta(seconds=1))
            Job.objects.filter(pk=pk, kind__startswith="approvals.").update(
                max_attempts=F("attempts") + 1 if last else F("max_attempts")
            )
            run_job(pk)
            self.judge(Job.objects.get(pk=pk))
