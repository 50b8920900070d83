"""What random people do to requests. Whatever is done, the oracle's books are kept beside it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import rule

from apps.approvals import conditions, services, waivers
from apps.approvals.drift import services as drift
from apps.approvals.exceptional import after_review, bypass, rollback
from apps.approvals.models import ApprovalRequest, Condition, DriftFinding
from apps.approvals.signing import ConditionTerms, Signing
from apps.errors import DomainError
from apps.registry.models import ModelVersion
from tests.approvals.oracle import ALIAS, BAD, DAY, STAGE, Asked, Vote, Waived, with_vote
from tests.approvals.watching import Watched, person
from tests.conftest import PASSWORD

REASON = "The fraud model stopped scoring at nine and every card is let through."
PEOPLE = ("admin", "alice", "bob", "erin", "frank", "grace", "tina")
somebody, reviewer = st.sampled_from(PEOPLE), st.sampled_from(["alice", "bob", "erin", "frank", "tina"])
number, any_version = st.integers(0, 3), st.sampled_from([2, 3])
places = st.sampled_from([STAGE, STAGE, ALIAS])
verdicts = st.sampled_from(["approve"] * 6 + ["request_changes"] * 2 + ["reject"])


@contextmanager
def allowed_to_fail() -> Iterator[None]:
    """Most of what random people try is refused; that is as good an answer as any."""
    with suppress(DomainError):
        yield


def aim(target: str) -> dict[str, str]:
    """Return a target as requests and rollbacks name it."""
    return {"alias": target.removeprefix("@")} if target == ALIAS else {"to_stage": target}


class Deeds(Watched):
    """Ask, vote, waive, steer, go past, go back, settle drift."""

    def note_asked(self, asked: ApprovalRequest, number: int, target: str, by: str) -> None:
        self.world.asked[asked.pk] = row = Asked(number, target, by, self.current[target])
        self.first_scan[asked.pk] = self.world.scan(row)

    @rule(
        by=st.sampled_from(["alice", "alice", "tina", "grace"]),
        version=any_version,
        place=places,
        draft=st.booleans(),
        archive=st.booleans(),
    )
    def ask(self, by: str, version: int, place: str = STAGE, draft: bool = False, archive: bool = True) -> None:
        with allowed_to_fail():
            row = ModelVersion.objects.get(number=version)
            asked = services.open_request(
                row.pk, **aim(place), reason="Better.", draft=draft, archive_existing=archive, by=person(by)
            )
            if draft:
                services.act(asked.pk, "submit", by=person(by))
            self.note_asked(asked, version, place, by)

    @rule(by=reviewer, nth=number, verdict=verdicts, voice=st.sampled_from(["", "", "", "bob", "erin"]),
          first=st.booleans(), condition=st.sampled_from([0, 0, 0, 1]))  # fmt: skip
    def vote(self, by: str, nth: int, verdict: str, voice: str = "", first: bool = False, condition: int = 0) -> None:
        request = self.request(nth)
        if request is None or request.state == "draft":
            return
        digest = request.snapshots.earliest("pk").digest if first else request.evidence_digest
        terms = (ConditionTerms("Watch it.", "grace", timezone.now() + timedelta(days=1)),) if condition else ()
        with allowed_to_fail():
            services.act(
                request.pk, verdict, by=person(by), comment="Hm.", evidence_digest=digest,
                signing=Signing(on_behalf_of=voice, conditions=terms),
            )  # fmt: skip
            self.note_vote(request.pk, by, voice or by, verdict, first=first)

    def note_vote(self, pk: int, by: str, voice: str, verdict: str, *, first: bool) -> None:
        asked, facts = self.world.asked[pk], self.seen(self.world.asked[pk])
        if first:  # the first evidence was signed: a check that was worse then does not matter to this vote
            facts = max((facts, facts.with_scan(self.first_scan[pk])), key=lambda row: BAD[row.scan])
        key = Condition.objects.filter(review__request=pk, review__reviewer__username=by, review__standing=True)
        condition = key.values_list("pk", flat=True).first() or 0
        self.world.conditions |= {condition: self.world.minute + DAY} if condition else {}
        vote = Vote(by, voice, verdict, facts, self.world.scopes(asked, voice), condition)
        assert self.world.counts(asked, vote), f"a vote on request {pk} was taken that counts nowhere: {vote}"
        lent = (row for row in self.world.lent.values() if row[:2] == (voice, by))
        assert by == voice or any(until > self.world.minute for *_pair, until in lent), f"nothing was lent: {vote}"
        self.drop_lapsed(asked)
        asked.votes = with_vote(asked.votes, vote)

    def drop_lapsed(self, asked: Asked, *, objections: bool = True) -> None:
        """The next vote takes the place of the words of those who may not sign any more."""
        kept = not objections
        asked.votes = [v for v in asked.votes if self.world.counts(asked, v) or (kept and v.verdict != "approve")]

    @rule(name=st.sampled_from(["grace", "grace", "bob"]), nth=number)
    def meet_a_condition(self, name: str, nth: int) -> None:
        for row in Condition.objects.order_by("-pk")[nth : nth + 1]:
            with allowed_to_fail():
                conditions.meet(row.pk, note="Done.", by=person(name))
                assert (self.world.conditions[row.pk] or 0) > self.world.minute, f"condition {row.pk} was overdue"
                self.world.conditions[row.pk] = None

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
                asked = self.world.asked[request.pk]
                objections = [vote for vote in asked.votes if vote.verdict != "approve"]
                objectors = {name for vote in objections for name in (vote.giver, vote.voice)}
                assert by in ("grace", "admin")
                assert by not in {asked.requester, *objectors, *self.world.barred(asked), *self.world.inactive}
                asked.votes = [vote for vote in asked.votes if vote not in objections]

    @rule(nth=number)
    def repin(self, nth: int) -> None:
        self.note_approved()
        if request := self.request(nth):
            with allowed_to_fail():
                services.act(request.pk, "repin", by=person("admin"), comment="Follow the new one.")
                asked = self.world.asked[request.pk]
                asked.policy, asked.repinned = self.current[asked.target], asked.approved is not None
                self.drop_lapsed(asked, objections=False)

    @rule(by=somebody, nth=number)
    def waive(self, by: str, nth: int) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                waivers.waive(request.pk, "external:scan", reason="Known.", days=1, by=person(by))
                asked = self.world.asked[request.pk]
                assert self.world.may_sign(asked, by), f"{by} waived on {asked}"
                assert self.world.holds(by, "reviewers"), f"{by} waived on {asked}"
                asked.waived = [Waived(*self.world.reported(asked.number), self.world.minute + DAY)]

    @rule(by=reviewer, nth=number)
    def revoke_waiver(self, by: str, nth: int) -> None:
        if request := self.request(nth):
            for row in request.waivers.filter(revoked_at=None):
                with allowed_to_fail():
                    waivers.revoke(request.pk, row.pk, reason="Not any more.", by=person(by))
                    self.world.asked[request.pk].waived = []

    # Beside the ordinary

    @rule(by=somebody, nth=number)
    def ask_bypass(self, by: str, nth: int) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                words = {"reason": REASON, "ticket": "OPS-1", "evidence_digest": request.evidence_digest}
                bypass.ask(request.pk, **words, password=PASSWORD, by=person(by))
                asked = self.world.asked[request.pk]
                assert self.world.holds(by, "emergencys"), f"{by} asked for a bypass"
                asked.bypass, asked.bypassed_on = (by, ""), self.seen(asked)

    @rule(by=somebody, nth=number)
    def confirm_bypass(self, by: str, nth: int) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                bypass.confirm(request.pk, evidence_digest=request.evidence_digest, password=PASSWORD, by=person(by))
                asked = self.world.asked[request.pk]
                assert self.world.holds(by, "emergencys"), f"{by} confirmed {asked}"
                assert asked.bypass, f"{by} confirmed {asked}"
                first, trainer = asked.bypass[0], self.world.trainers[asked.number]
                assert by not in {first, asked.requester, trainer, *self.world.barred(asked)}, f"{by} confirmed {asked}"
                asked.bypass = (first, by)

    @rule(by=reviewer, nth=number, outcome=st.sampled_from(["ratified", "not_ratified"]))
    def review_afterwards(self, by: str, nth: int, outcome: str) -> None:
        if request := self.request(nth):
            with allowed_to_fail():
                after_review.review(
                    request.pk, outcome, comment="Looked at.", evidence_digest=request.evidence_digest, by=person(by)
                )
                asked = self.world.asked[request.pk]
                assert self.world.may_sign(asked, by)
                assert self.world.holds(by, "reviewers")
                assert by not in (*(asked.bypass or ()), self.world.trainers[asked.number])
                if outcome == "ratified":
                    files = str(request.evidence["mlmodel"]["flavors"]["python_function"]["files"])
                    self.good.add((asked.target, asked.number, files))

    @rule(by=st.sampled_from(["grace", "admin", "bob"]), place=places)
    def roll_back(self, by: str, place: str = STAGE) -> None:
        with allowed_to_fail():
            where = {"alias": "champion"} if place == ALIAS else {"stage": STAGE}
            asked = rollback.roll_back(self.model_id, **where, reason="It breaks.", by=person(by))
            assert by in ("grace", "admin")
            self.note_asked(asked, asked.version.number, place, by)

    # What MLflow says by itself

    @rule(
        by=reviewer, action=st.sampled_from(["accept", "revert", "request"]), asker=st.sampled_from(["alice", "tina"])
    )
    def settle_drift(self, by: str, action: str, asker: str) -> None:
        finding = DriftFinding.objects.filter(state="open").order_by("-pk").first()
        if finding is None:
            return
        with allowed_to_fail():
            if action == "request":
                asked = drift.open_request_for(finding.pk, reason="It is better.", by=person(asker))
                self.note_asked(asked, asked.version.number, finding.found, asker)
                return
            drift.act(finding.pk, action, found=finding.found, reason="Seen.", by=person(by))
            if action == "accept" and finding.kind in ("stage", "alias"):
                self.accepted(finding, by)

    def accepted(self, finding: DriftFinding, by: str) -> None:
        """One person signs off after the fact what the policy lets one person sign off."""
        place = ALIAS if finding.kind == "alias" else finding.found
        now = int(finding.found or 0) if finding.kind == "alias" else finding.version.number
        terms = self.world.policies[self.current[place]] if place in self.current else None
        asked = Asked(now, place, "", self.current.get(place, 0))
        assert self.world.holds(by, "reviewers"), f"{by} accepted {finding}"
        assert terms, f"{by} accepted {finding}: there is no policy for {place}"
        assert not now or by != self.world.trainers[now], f"{by} accepted {finding}: their own version"
        alone = len(terms.rules) == terms.rules[0].needed == 1 and (
            not terms.rules[0].group or self.world.holds(by, terms.rules[0].group)
        )
        if not (place == ALIAS and "accepted alias" in self.gaps):
            assert alone, f"{by} alone accepted that MLflow has {asked.target} at v{now}, and the policy wants {terms}"
        self.in_stage |= {now} if place == STAGE else set()
        self.alias_at = now if place == ALIAS else self.alias_at
