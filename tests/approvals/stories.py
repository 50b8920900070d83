"""How it begins, and stories of several deeds that chance alone finds too seldom."""

from django.contrib.auth.models import Group
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from apps.accounts.models import User
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, EMERGENCY, ML_ENGINEER, REVIEWER, VIEWER
from apps.approvals.models import ProtectedAlias
from apps.registry.models import ModelAlias, ModelVersion
from tests.approvals.around import Around, policies
from tests.approvals.deeds import any_version, places, somebody
from tests.approvals.oracle import ALIAS, STAGE, Rule, Terms, World
from tests.builders import THEN, make_model
from tests.conftest import member
from tests.servers.one_model import Version

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
TRAINERS = {1: "ann", 2: "tina", 3: "ann"}
ANYBODY, SLOW = Terms((Rule(1),)), Terms((Rule(1),), staleness="none", wait_minutes=60)


class NoWayAround(Around):
    """The whole machine."""

    @initialize(
        terms=st.one_of(st.just(ANYBODY), policies),
        alias_terms=policies,
        opening=st.sampled_from(["back", "ask", "fail", "waive", "follow", ""]),
    )
    def begin(self, terms: Terms, alias_terms: Terms = ANYBODY, opening: str = "") -> None:
        duties = {
            f"{duty.name}s": {n for n, roles in PEOPLE.items() if duty in roles} for duty in (REVIEWER, EMERGENCY)
        }
        members = duties | {group: set(names) for group, names in MEMBERS.items()}
        self.world = World(members, TRAINERS, gaps=self.gaps)
        self.mlflow.versions = {n: Version(n, who, STAGE if n == 1 else "None") for n, who in TRAINERS.items()}
        self.mlflow.writes, self.mlflow.trouble, self.mlflow.down = [], "", False
        self.mlflow.aliases = {"champion": 1}
        self.mirror_all()
        self.publish(terms)
        self.publish(alias_terms, ALIAS)
        if opening == "back":
            self.there_and_back(2, "")
        elif opening == "ask":
            self.ask("alice", 2)
        elif opening == "fail":
            self.fail_and_try_again(3, STAGE, by_hand=True, seen=True, meanwhile="leave")
        elif opening == "waive":
            self.waive_and_report_again(3, "CVE-2")
        elif opening == "follow":
            self.follow_another_policy_while_it_is_frozen(3, SLOW, 45)

    def mirror_all(self) -> None:
        model = make_model()
        self.model_id = model.pk
        times = {"created_at": THEN, "updated_at": THEN, "stage_since": THEN}
        for n, version in self.mlflow.versions.items():
            row = ModelVersion.objects.create(model=model, number=n, stage=version.stage, **times)
            self.mirror(n)
            if n == self.alias_at:
                ModelAlias.objects.create(model=model, alias="champion", version=row)

    # Stories

    @rule(nth=st.integers(0, 1))
    def everybody_approves(self, nth: int = 0) -> None:
        for name in ("tina", "alice", "bob", "erin", "frank"):
            self.vote(name, nth, "approve")

    @rule(by=st.sampled_from(["alice", "grace"]), version=any_version, place=places)
    def promote(self, by: str, version: int, place: str = STAGE) -> None:
        """The ordinary way."""
        self.ask(by, version, place)
        self.report("grace" if by == "alice" else "alice", version, "pass")
        self.everybody_approves()
        self.workers_work()

    @rule(version=any_version, asker=st.sampled_from(["frank", "grace"]), confirmer=somebody)
    def break_the_glass(self, version: int, asker: str, confirmer: str) -> None:
        self.ask("alice", version)
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

    @rule(
        version=any_version,
        place=places,
        by_hand=st.booleans(),
        seen=st.booleans(),
        meanwhile=st.sampled_from(["leave", "metric", "files", "fail", "freeze", ""]),
        last=st.booleans(),
    )
    def fail_and_try_again(
        self, version: int, place: str, by_hand: bool, seen: bool, meanwhile: str, last: bool = True
    ) -> None:
        """MLflow takes no write; then somebody moves it there by hand, something changes, and it is tried again."""
        self.mlflow.down = True
        self.promote("alice", version, place)
        self.workers_work(last)
        self.mlflow.down = False
        if by_hand and place == STAGE:
            self.moved_by_hand(version, STAGE, seen)
        elif by_hand:
            self.pointed_by_hand(version, seen)
        self.something_happens(version, meanwhile)
        self.steer("alice", 0, "retry")
        self.workers_work()

    def something_happens(self, version: int, what: str) -> None:
        if what == "leave":
            for name in sorted(self.world.members["reviewers"]):
                self.leave_or_join(name, "reviewers")
        elif what in ("metric", "files"):
            self.mlflow_changes(version, what, seen=False)
        elif what == "fail":
            self.report("grace", version, "fail", "CVE-9")
        elif what == "freeze":
            self.freeze_or_thaw()

    @rule(version=any_version, again=st.sampled_from(["CVE-1", "CVE-2"]))
    def waive_and_report_again(self, version: int, again: str) -> None:
        self.ask("alice", version)
        self.report("grace", version, "fail", "CVE-1")
        self.waive("bob", 0)
        self.report("grace", version, "fail", again)
        self.everybody_approves()
        self.workers_work()

    @rule(version=any_version, terms=policies, minutes=st.sampled_from([0, 45, 90]))
    def follow_another_policy_while_it_is_frozen(self, version: int, terms: Terms, minutes: int) -> None:
        if not self.world.frozen:
            self.freeze_or_thaw()
        self.promote("alice", version)
        self.publish(terms)
        self.repin(0)
        self.freeze_or_thaw()
        if minutes:
            self.time_passes(minutes)
        self.workers_work()


def make_everybody() -> None:
    """Make the people and their groups, and protect the alias."""
    for name, roles in PEOPLE.items():
        member(name, *roles)
    for group, names in MEMBERS.items():
        Group.objects.create(name=group).user_set.set(User.objects.filter(username__in=names))
    ProtectedAlias.objects.create(alias="champion", added_by="admin")
