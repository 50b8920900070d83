"""What is watched while random people do random things: what was done, and whether each move was allowed."""

from django.core.cache import cache
from django.db import transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant

from apps.accounts.models import User
from apps.approvals.models import ApprovalRequest, DriftFinding
from apps.audit import chain
from apps.audit.models import AuditEvent
from apps.jobs.models import Job
from apps.registry.models import ModelVersion
from tests.approvals.oracle import ALIAS, STAGE, Asked, Facts, World
from tests.servers.one_model import OneModel, Write

BY_HAND = "it failed, then somebody moved it there by hand, and what is demanded was not looked at again"
MEANWHILE = "between two attempts of one job somebody moved it there by hand, and what is demanded was not looked at"
GAPS: frozenset[str] = frozenset()  # of BY_HAND, MEANWHILE, "waivers", "accepted alias", "repinned": not told
applied_by: dict[str, int] = {}  # how the moves of all runs came about: a test that applies nothing proves nothing


def person(name: str) -> User:
    """Somebody as they are now."""
    return User.objects.get(username=name)


class Watched(RuleBasedStateMachine):
    """What was done, as far as the oracle needs it, and what it says to each move."""

    mlflow: OneModel
    world: World
    gaps: frozenset[str] = GAPS  # what is not failed for

    def __init__(self) -> None:
        super().__init__()
        self.start = transaction.savepoint()  # not an atomic block: the services want to be the outermost one
        cache.clear()
        self.current: dict[str, int] = {}  # the policy of each target
        self.first_scan: dict[int, str] = {}
        self.judged = 0  # of the writes that reached MLflow
        self.tried: set[int] = set()  # requests of which an attempt was refused
        self.failed: set[int] = set()  # requests that could not be applied
        self.ours: set[int] = set()  # requests of which a write that was allowed reached MLflow, and stands
        self.by_hand: set[tuple[str, int]] = set()  # places, with the version that somebody brought there in MLflow
        self.done: set[int] = set()
        self.in_stage = {1}  # by decision
        self.alias_at = 1  # likewise
        self.good: set[tuple[str, int, str]] = set()  # target, version and files of what was voted on, or ratified

    def teardown(self) -> None:
        try:
            self.judge_applied()
            assert chain.first_misfit(AuditEvent.objects.order_by("id")) is None
        finally:
            transaction.savepoint_rollback(self.start)

    # What must be true

    @invariant()
    def only_workers_write(self) -> None:
        assert self.judged == len(self.mlflow.writes), self.mlflow.writes[self.judged :]
        self.note_approved()

    def note_approved(self) -> None:
        for pk, state, policy in ApprovalRequest.objects.exclude(policy=None).values_list("pk", "state", "policy"):
            asked = self.world.asked[pk]
            assert policy == asked.policy, f"request {pk} follows policy {policy}, and was pinned to {asked.policy}"
            if state in ("open", "changes_requested"):
                asked.approved = None
            elif state == "approved" and asked.approved is None:
                asked.approved = self.world.minute
            self.failed |= {pk} if state == "apply_failed" else set()

    def judge(self, job: Job) -> None:
        """Judge what one job has written, and what is recorded as applied."""
        self.note_approved()
        for write in self.mlflow.writes[self.judged :]:
            self.judged += 1
            if "request_id" in job.args:
                self.judge_write(job.args["request_id"], write)
            else:
                self.judge_revert(DriftFinding.objects.get(pk=job.args["finding_id"]), write)
        if Job.objects.filter(pk=job.pk).exclude(error="").exists() and "request_id" in job.args:
            self.tried.add(job.args["request_id"])
        self.judge_applied()

    def judge_write(self, pk: int, write: Write) -> None:
        asked = self.world.asked[pk]
        alias = self.world.terms(asked).moves_alias if asked.target == STAGE else ""
        assert write.number == asked.number, f"request {pk} is for v{asked.number}, and moved {write}"
        assert write.after in (asked.target, f"@{alias}"), f"request {pk} is for {asked.target}, and wrote {write}"
        if pk not in self.ours:
            self.check_allowed(pk, asked, f"request {pk} made the {write}")
            self.ours.add(pk)

    def judge_revert(self, finding: DriftFinding, write: Write) -> None:
        """A revert brings back what was decided."""
        if write.after == ALIAS:
            assert write.number == self.alias_at, f"{write} by {finding}: v{self.alias_at} was decided"
        if write.after == STAGE:
            assert write.number in self.in_stage, f"{write} by {finding}: decided were {self.in_stage}"

    def judge_applied(self) -> None:
        applied = ApprovalRequest.objects.filter(state="applied").exclude(pk__in=self.done).order_by("closed_at")
        for request in applied.select_related("policy"):
            self.done.add(request.pk)
            asked = self.world.asked[request.pk]
            if request.pk not in self.ours:
                self.check_allowed(request.pk, asked, f"request {request.pk} is recorded as applied without a write")
            self.decided(request, asked)

    def decided(self, request: ApprovalRequest, asked: Asked) -> None:
        """Note what holds from now on."""
        both = asked.target == STAGE and self.world.terms(asked).moves_alias
        if asked.target == STAGE:
            self.in_stage = {asked.number} | (set() if request.archive_existing else self.in_stage)
        if asked.target == ALIAS or both:
            self.alias_at = asked.number
        if not request.expedited:
            self.good.add((asked.target, asked.number, self.facts(asked).files))

    def check_allowed(self, pk: int, asked: Asked, what: str) -> None:
        """Fail, naming why, unless this request may move what it asks for at this moment."""
        request, facts = ApprovalRequest.objects.get(pk=pk), self.facts(asked)
        if request.kind == "rollback" and request.expedited:
            known = (asked.target, asked.number, facts.files) in self.good
            why, how = [] if known else ["these files were never signed for this place"], "rollback"
        elif request.expedited:
            why, how = self.why_no_bypass(asked, facts), "bypass"
        else:
            why, how = self.world.why_not(asked, facts), "votes"
        if pk in self.tried and (asked.target, asked.number) in self.by_hand:
            because = BY_HAND if pk in self.failed else MEANWHILE
            what, why = f"{what} ({because})", [] if because in self.gaps else why
        assert not why, f"{what}, but {'; '.join(why)}: {asked} under {self.world.terms(asked)}, now {facts}"
        applied_by[how] = applied_by.get(how, 0) + 1

    def why_no_bypass(self, asked: Asked, now: Facts) -> list[str]:
        signed = asked.bypassed_on
        if asked.bypass is None or signed is None:
            return ["nobody confirmed a bypass"]
        same = (now.files, now.accuracy) == (signed.files, signed.accuracy)
        return [] if same else ["the evidence is not the one of the bypass"]

    # What the oracle is told

    def request(self, nth: int) -> ApprovalRequest | None:
        """One of the latest requests, to do something to it."""
        found = list(ApprovalRequest.objects.select_related("requester", "version__model").order_by("-pk")[:4])
        return found[nth % len(found)] if found else None

    def facts(self, asked: Asked) -> Facts:
        """What there is to sign, as MLflow and the pipelines have it."""
        row = self.mlflow.versions[asked.number]
        return Facts(str(row.files), str(row.accuracy), self.world.scan(asked))

    def seen(self, asked: Asked) -> Facts:
        """The same as people see it: MLflow may have moved on."""
        row = ModelVersion.objects.get(number=asked.number)
        files = str(row.mlmodel["flavors"]["python_function"]["files"])
        return Facts(files, str(row.metrics["accuracy"]), self.world.scan(asked))
