"""The sign-off with nothing but the keyboard, in a real browser, against a real MLflow and a real worker.

Nobody here touches a mouse: people type an address, press Tab until they are where they want to be, and press a key.
Each place that Tab stops at has to have a name, show that it has the focus, and not lie under something else.
"""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from apps.accounts import grants
from apps.accounts.roles import EMERGENCY
from apps.approvals import services
from apps.approvals.models import AfterReview, ApprovalRequest, Review
from apps.registry import services as mirror
from apps.registry import sync
from apps.registry.models import ModelVersion, RegisteredModel
from tests.approvals.worker import Crew, crew
from tests.browser.conftest import listen
from tests.builders import make_policy
from tests.conftest import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.mlflow,
    pytest.mark.worker,
    pytest.mark.django_db(transaction=True),
]
MOST_STEPS = 100  # of the Tab key, to anything on a page
FOCUSED = """() => {
  const here = document.activeElement;
  const spoken = here.labels?.length && here.type !== "hidden" ? here.labels[0] : here;
  const words = spoken.cloneNode(true);
  words.querySelectorAll(".optional, .count, select, input").forEach((part) => part.remove());
  const box = here.getBoundingClientRect();
  const middle = [(box.left + box.right) / 2, (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2];
  const top = document.elementFromPoint(...middle);
  return {
    end: here === document.body,
    name: (here.getAttribute("aria-label") || words.textContent).replace(/\\s+/g, " ").trim().slice(0, 80),
    outline: getComputedStyle(here).outlineStyle,
    seen: Boolean(top) && (here.contains(top) || top.contains(here) || here.labels?.[0]?.contains(top) || false),
  };
}"""


class Keyboard:
    """A person at a browser without a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.heard = listen(page)

    def go(self, address: str) -> None:
        """Type an address."""
        self.page.goto(address)

    def tab_to(self, name: str) -> None:
        """Press Tab until the focus is on what has that name; every stop on the way names itself and is seen."""
        passed: list[str] = []
        for _ in range(MOST_STEPS):
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(FOCUSED)
            if focus["end"]:
                continue  # past the last stop: the next one is the first
            passed.append(focus["name"])
            assert focus["name"], f"a stop without a name, after {passed[-3:]}"
            assert (focus["name"], focus["outline"]) != (focus["name"], "none")
            assert (focus["name"], focus["seen"]) == (focus["name"], True)
            if focus["name"] == name:
                return
        raise AssertionError(f"{name!r} cannot be reached by Tab: {passed}")

    def press(self, name: str) -> None:
        """Tab to a link or button and press it; returns when the next page is there."""
        self.tab_to(name)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def write(self, name: str, text: str) -> None:
        """Tab to a field and type."""
        self.tab_to(name)
        self.page.keyboard.type(text)

    def choose(self, key: str, name: str) -> None:
        """Press a key in a group of choices, after which that one is chosen."""
        self.page.keyboard.press(key)
        expect(self.page.get_by_label(name, exact=True)).to_be_checked()
        expect(self.page.get_by_label(name, exact=True)).to_be_focused()

    def reads(self, text: str) -> None:
        """Wait until the page says so."""
        expect(self.page.get_by_role("main")).to_contain_text(text)

    def sign_in(self, username: str) -> None:
        """Sign in as anybody does."""
        self.go("/sign-in/")
        expect(self.page.get_by_label("User name")).to_be_focused()  # it is the field that the page begins with
        self.page.keyboard.type(username)
        self.write("Password", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/sign-in/" not in url)


@pytest.fixture
def sits_down(open_browser) -> Iterator[Callable[..., Keyboard]]:
    """Let somebody sit down at a browser of their own and sign in; at the end no browser complained."""
    people: list[Keyboard] = []

    def at_a_browser(username: str, **options: object) -> Keyboard:
        person = Keyboard(open_browser(**options).new_page())
        people.append(person)
        person.sign_in(username)
        return person

    yield at_a_browser
    assert [line for person in people for line in person.heard] == []


@pytest.fixture
def team(mlflow_server, tmp_path) -> Iterator[Crew]:
    """A worker and a beat."""
    with crew(tmp_path / "data", MLFLOW_BACKEND_URL=mlflow_server) as at_work:
        at_work.beat()
        at_work.worker()
        yield at_work


@pytest.fixture
def trained(mlflow_registry, alice, bob, erin):
    """Two versions of a model, version 1 the one in Production, mirrored by the real sync."""
    mlflow_registry.model("churn", description="Who will leave next month")
    for accuracy in (0.90, 0.94):
        mlflow_registry.version("churn", metrics={"accuracy": accuracy})
    mlflow_registry.stage("churn", 1, "Production")
    sync.synchronise(requested_by="test")
    mirror.read_due_details()
    return mlflow_registry


@pytest.fixture
def emergency_pair(bob, admin) -> None:
    """Bob and the admin, who together may go past a policy."""
    group = Group.objects.create(name="emergency")
    grants.set_role(group, [EMERGENCY], None, model_class=RegisteredModel)
    group.user_set.add(bob, admin)


def version(number: int) -> ModelVersion:
    return ModelVersion.objects.get(number=number)


def ask(number: int, alice) -> ApprovalRequest:
    """Alice has asked for a version in Production."""
    return services.open_request(version(number).pk, "Production", reason="Better on the May data.", by=alice)


def log(mlflow_registry, metric: str, value: float) -> None:
    """Log a metric with the run of version 2, in MLflow, and let the mirror see it."""
    run_id = version(2).run_id
    mlflow_registry.call("POST", "runs/log-metric", run_id=run_id, key=metric, value=value, timestamp=1, step=0)
    mirror.refresh_version(version(2).pk)


def stages(mlflow_registry) -> list[str]:
    return [mlflow_registry.stage_of("churn", number) for number in (1, 2)]


def is_applied(number: int) -> Callable[[], bool]:
    return lambda: ApprovalRequest.objects.filter(version__number=number, state="applied").exists()


@pytest.mark.parametrize("java_script_enabled", [True, False], ids=["with scripts", "without scripts"])
def test_alice_asks_and_bob_approves(trained, team, sits_down, java_script_enabled):
    make_policy("Staging")
    make_policy("Production", archive_existing=True)
    alice = sits_down("alice", java_script_enabled=java_script_enabled)
    alice.press("churn")
    alice.press("v2")
    alice.press("Request promotion")
    alice.tab_to("Production")
    alice.choose("ArrowDown", "Staging")
    alice.choose("ArrowUp", "Production")
    alice.write("Reason", "Four points more accurate on the May data.")
    alice.press("Send request")
    alice.reads("Waiting for review")

    bob = sits_down("bob", java_script_enabled=java_script_enabled)
    bob.press("Reviews")
    bob.press("churn v2")
    bob.reads("Four points more accurate on the May data.")
    bob.write("Comment", "Agreed: better, and nothing else changed.")
    bob.press("Approve")
    team.wait(is_applied(2), "the move")
    bob.go(bob.page.url)
    bob.reads("MLflow confirmed Production")
    assert stages(trained) == ["Archived", "Production"]


def test_what_bob_wants_changed_is_fixed_and_both_reviewers_approve_the_new_state(trained, team, sits_down, alice):
    make_policy("Production", required_approvals=2)
    address = f"/requests/{ask(2, alice).pk}/"
    erin = sits_down("erin")
    erin.go(address)
    erin.press("Approve")
    erin.reads("You approved.")
    bob = sits_down("bob")
    bob.go(address)
    bob.write("Comment", "Log the recall too.")
    bob.press("Request changes")
    bob.reads("Changes requested")

    log(trained, "recall", 0.81)
    team.wait(lambda: Review.objects.filter(reviewer__username="erin", standing=False).exists(), "the dismissal")
    for person in (bob, erin):
        person.go(address)
        person.reads("Changed since your vote")
        person.reads("metrics.recall")
        person.press("Approve")
    team.wait(is_applied(2), "the move")
    assert stages(trained)[1] == "Production"
    said = Review.objects.order_by("id").values_list("reviewer__username", "verdict", "standing")
    assert list(said) == [
        ("erin", "approve", False),
        ("bob", "request_changes", False),
        ("bob", "approve", True),
        ("erin", "approve", True),
    ]


def test_bob_is_told_that_his_page_is_stale_and_approves_what_is_there_now(trained, team, sits_down, alice):
    make_policy("Production")
    address = f"/requests/{ask(2, alice).pk}/"
    bob = sits_down("bob")
    bob.go(address)
    bob.write("Comment", "Better on every segment.")
    log(trained, "recall", 0.41)
    team.wait(lambda: "recall" in ApprovalRequest.objects.get().evidence["metrics"], "the new evidence")
    bob.press("Approve")
    bob.reads("Nothing was changed.")
    bob.reads("0.41")
    expect(bob.page.get_by_label("Comment")).to_have_value("Better on every segment.")
    assert not Review.objects.exists()
    bob.press("Approve")
    team.wait(is_applied(2), "the move")
    assert stages(trained)[1] == "Production"


def test_a_pair_goes_past_the_policy_and_erin_reviews_it_afterwards(trained, team, sits_down, alice, emergency_pair):
    make_policy("Production", required_approvals=2, wait_minutes=60)
    ask(2, alice)
    bob = sits_down("bob")
    bob.press("Requests")
    bob.press("churn v2")
    bob.press("Ask for a bypass of the policy")
    bob.write("Reason", "Every card is let through since nine, and v2 stops it.")
    bob.write("Ticket", "OPS-17")
    bob.write("Your password", PASSWORD)
    bob.press("Ask for the bypass")
    bob.reads("Nothing moves before a second person confirms it.")

    admin = sits_down("admin")
    admin.press("Requests")
    admin.press("churn v2")
    admin.press("Look at it and confirm")
    admin.reads("Every card is let through since nine")
    admin.write("Your password", PASSWORD)
    admin.press("Confirm and apply")
    team.wait(is_applied(2), "the move")
    assert stages(trained)[1] == "Production"

    erin = sits_down("erin")
    erin.press("Requests")
    erin.press("Exceptions: bypasses, rollbacks, approvals that end")
    erin.press("churn v2 to Production")
    erin.reads("This went past its policy.")
    erin.press("Review it")
    erin.tab_to("Ratified")
    erin.choose("Space", "Ratified")
    erin.write("Comment", "It was that or an outage.")
    erin.press("Give the review")
    erin.reads("You ratified it. It stands.")
    assert AfterReview.objects.get().outcome == "ratified"


def test_bob_rolls_production_back_to_the_version_before(trained, team, sits_down, alice, bob):
    make_policy("Production", archive_existing=True)
    trained.stage("churn", 1, "None")
    sync.synchronise(requested_by="test")
    for number in (1, 2):
        asked = ask(number, alice)
        services.act(asked.pk, "approve", by=bob, evidence_digest=asked.evidence_digest)
        team.wait(is_applied(number), f"the move of v{number}")
    assert stages(trained) == ["Archived", "Production"]

    person = sits_down("bob")
    person.press("churn")
    person.press("Roll back Production to v1")
    person.write("Reason", "v2 scores everybody alike since the morning.")
    person.press("Roll back to v1 now")
    person.reads("Its review afterwards is owed.")
    team.wait(lambda: stages(trained) == ["Production", "Archived"], "the way back")
    team.wait(lambda: ApprovalRequest.objects.filter(kind="rollback", state="applied").exists(), "the end")
