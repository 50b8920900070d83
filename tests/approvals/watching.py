"""What is watched while random people do random things: what was done, and whether each move was allowed."""

from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from hypothesis.stateful import RuleBasedStateMachine, invariant

from apps.accounts.models import User
from apps.approvals import eligibility
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, ExternalCheck, FreezeWindow, Waiver
from apps.audit import chain
from apps.audit.models import AuditEvent
from apps.registry.models import ModelVersion
from tests.approvals.oracle import Facts, Terms, Vote, satisfied
from tests.servers.one_model import OneModel

DAY = 24 * 60  # minutes
applied_by: dict[str, int] = {}  # how the moves of all runs came about: a test that applies nothing proves nothing


def person(name: str) -> User:
    """Somebody as they are now."""
    return User.objects.get(username=name)


class Watched(RuleBasedStateMachine):
    """What was done, as far as the oracle needs it, and what it says to each move that is applied."""

    mlflow: OneModel

    def __init__(self) -> None:
        super().__init__()
        self.start = transaction.savepoint()  # not an atomic block: the services want to be the outermost one
        cache.clear()
        self.clock = 0  # minutes
        self.votes: dict[int, list[Vote]] = {}
        self.pinned: dict[int, int] = {}
        self.policies: dict[int, Terms] = {}
        self.approved: dict[int, int] = {}
        self.asked: dict[int, tuple[str, Facts]] = {}  # bypasses
        self.confirmed: dict[int, tuple[str, str, Facts]] = {}
        self.done: set[int] = set()
        self.good: list[tuple[int, str]] = []  # version and files of what was voted on, or ratified
        self.stages = {1: "Production"}

    def teardown(self) -> None:
        self.everything_applied_was_allowed()
        assert chain.first_misfit(AuditEvent.objects.order_by("id")) is None
        transaction.savepoint_rollback(self.start)

    # What must be true

    @invariant()
    def nobody_excluded_counts(self) -> None:
        for request in ApprovalRequest.objects.exclude(policy=None).select_related("version__model", "policy"):
            counted = User.objects.filter(pk__in=eligibility.counted(request))
            assert [user.username for user in counted if not self.may_sign(request, user.username)] == []
            self.note_approved(request)

    def note_approved(self, request: ApprovalRequest) -> None:
        assert request.policy_id == self.pinned[request.pk]
        if request.state in ("open", "changes_requested"):
            self.approved.pop(request.pk, None)
        elif request.state == "approved":
            self.approved.setdefault(request.pk, self.clock)

    def everything_applied_was_allowed(self) -> None:
        for request in ApprovalRequest.objects.exclude(policy=None).select_related("version__model", "requester"):
            if request.state == "applied" and request.pk not in self.done:
                self.done.add(request.pk)
                self.check_applied(request)
        in_mlflow = {n: row.stage for n, row in self.mlflow.versions.items()}
        for write in self.mlflow.writes:
            assert write.after == "Production"
        assert {n for n, stage in in_mlflow.items() if stage == "Production"} <= {1, *self.moved()}

    def moved(self) -> set[int]:
        return {write.number for write in self.mlflow.writes}

    def check_applied(self, request: ApprovalRequest) -> None:
        facts = self.facts(request)
        if request.kind == "rollback" and request.expedited:
            assert (request.version.number, facts.files) in self.good
            how = "rollback"
        elif request.expedited:
            asker, confirmer, asked_on = self.confirmed[request.pk]
            assert asker != confirmer
            assert {asker, confirmer} <= {"frank", "grace", "admin"}
            assert confirmer not in (request.requester.username, self.trainer(request))
            assert (facts.files, facts.accuracy) == (asked_on.files, asked_on.accuracy)
            how = "bypass"
        else:
            self.check_votes(request, facts)
            self.good.append((request.version.number, facts.files))
            how = "votes"
        applied_by[how] = applied_by.get(how, 0) + 1

    def check_votes(self, request: ApprovalRequest, facts: Facts) -> None:
        terms = self.policies[self.pinned[request.pk]]
        votes = self.votes.get(request.pk, [])
        assert satisfied(terms, votes, facts, lambda vote, group: self.may_fill(request, vote, group)), (terms, votes)
        if terms.required:
            assert facts.scan in ("pass", "waived")
        waited = self.clock - self.approved.get(request.pk, self.clock)
        assert waited >= terms.wait_minutes
        assert terms.approval_days is None or waited < terms.wait_minutes + terms.approval_days * DAY
        assert not FreezeWindow.objects.filter(lifted_at=None).exists()

    # What the oracle asks: rows as they are, and nothing of the engine's own

    def policy_now(self) -> int:
        return ApprovalPolicy.objects.get(state="published").pk

    def request(self, nth: int) -> ApprovalRequest | None:
        found = list(ApprovalRequest.objects.select_related("requester", "version__model").order_by("-pk")[:4])
        return found[nth % len(found)] if found else None

    def facts(self, request: ApprovalRequest) -> Facts:
        row = ModelVersion.objects.get(pk=request.version_id)
        waived = Waiver.objects.filter(request=request, revoked_at=None, expires_at__gt=timezone.now()).exists()
        scan = ExternalCheck.objects.filter(version=row, current=True).values_list("outcome", flat=True).first() or ""
        return Facts(row.artifact_digest, str(row.metrics["accuracy"]), "waived" if waived and scan != "pass" else scan)

    def trainer(self, request: ApprovalRequest) -> str:
        return self.mlflow.versions[request.version.number].trainer

    def groups(self, name: str) -> set[str]:
        return set(Group.objects.filter(user__username=name, user__is_active=True).values_list("name", flat=True))

    def may_sign(self, request: ApprovalRequest, name: str) -> bool:
        terms = self.policies[self.pinned[request.pk]]
        last = ExternalCheck.objects.filter(version=request.version_id, current=True).order_by("-id").first()
        barred = {request.requester.username}
        barred |= {self.trainer(request)} if terms.exclude_run_owner else set()
        barred |= {last.reporter.username} if last and terms.exclude_last_editor else set()
        return name not in barred and person(name).is_active

    def may_fill(self, request: ApprovalRequest, vote: Vote, group: str) -> bool:
        held = self.groups(vote.voice)
        signs = self.may_sign(request, vote.giver) and self.may_sign(request, vote.voice)
        return signs and "reviewers" in held and (not group or group in held)

    def drop_lapsed(self, request: ApprovalRequest) -> None:
        """The next vote takes the place of the words of those who may not sign any more."""
        groups = {row.group for row in self.policies[self.pinned[request.pk]].rules}
        votes = self.votes.get(request.pk, [])
        self.votes[request.pk] = [v for v in votes if any(self.may_fill(request, v, group) for group in groups)]

    def scopes(self, request: ApprovalRequest, name: str) -> frozenset[str]:
        held = self.groups(name)
        could = [
            row.scopes for row in self.policies[self.pinned[request.pk]].rules if not row.group or row.group in held
        ]
        return frozenset(scope for row in could for scope in row) if could and all(could) else frozenset()
