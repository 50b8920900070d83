"""Every page, light and dark, wide and small: accessible, nothing scrolls sideways or is refused, one heading."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import pytest
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.utils import timezone
from playwright.sync_api import Page

from apps.accounts.models import AccessReview, User
from apps.approvals.models import ApprovalRequest, DriftFinding
from apps.modelcards import queries as card_queries
from apps.modelcards import services as cards
from apps.modelcards.filling import Edit
from apps.modelcards.models import Card
from tests.accounts.sign_in.soft_key import SoftKey
from tests.browser import world as worlds
from tests.browser.conftest import axe_violations, become, listen, sideways
from tests.browser.world import World
from tests.conftest import PASSWORD
from tests.test_permissions import addresses

COLOURS = ["color-contrast", "link-in-text-block"]  # axe's rules that the dark can break; the rest is the light's too
# Colours, width in pixels and axe's rules (None: all): how a page is opened, and how it is looked at after that.
LOOKS: tuple[tuple[Literal["light", "dark"], int, list[str] | None], ...] = (
    ("light", 1440, None), ("dark", 1440, COLOURS), ("light", 390, None), ("dark", 320, COLOURS),
)  # fmt: skip
NOT_PAGES = {"home", "registry:signature", "healthz", "readyz", "accounts:sign-out", "accounts:theme",
             "accounts:single-sign-on", "accounts:single-sign-on-return", "accounts:connect", "accounts:prove",
             "accounts:access-review-reassign", "accounts:access-review-cancel", "accounts:access-review-csv",
             "accounts:access-review-json",
             "accounts:grant-end", "registry:sync-run", "registry:sync-cancel",
             "registry:webhook-receive", "registry:compare-csv",
             "modelcards:start", "modelcards:refresh", "modelcards:resolve", "modelcards:badge", "modelcards:export",
             "modelcards:draft",
             "registry:compare-json", "registry:picture", "registry:view-open", "approvals:request-bypass-drop",
             "approvals:as-of-csv", "approvals:as-of-json", "approvals:request-export",
             "audit:access-export", "audit:export-jsonl", "audit:export-csv", "approvals:model-report-json",
             "approvals:model-report-csv",
             "compliance:matrix-csv", "compliance:matrix-json", "compliance:request-evidence",
             "mlflow:home", "mlflow:part"}  # MLflow's own: test_mlflow_pages.py opens them  # fmt: skip


def nothing(page: Page, world: World) -> None:
    """The page as it opens."""


@dataclass(frozen=True)
class Sight:
    """One page in one state: who opens which path, and what they do there. {state} stands for a request's number."""

    route: str
    path: str
    by: str | None = "bob"
    does: Callable[[Page, World], None] = nothing
    status: int = 200


def make_token(page: Page, world: World) -> None:
    page.get_by_label("Name", exact=True).fill("ci")
    page.get_by_role("button", name="Make token").click()
    page.get_by_text("Copy it now").wait_for()


def add_a_wrong_code(page: Page, world: World) -> None:
    page.get_by_label("Code that the app shows").fill("0")
    page.get_by_role("button", name="Add the app").click()
    page.get_by_role("alert").first.wait_for()


def make_no_passkey(page: Page, world: World) -> None:
    page.get_by_label("Name", exact=True).fill("Laptop")
    page.evaluate("delete window.PublicKeyCredential")  # an old browser
    page.get_by_role("button", name="Make the passkey").click()
    page.get_by_role("alert").wait_for()


def change_no_password(page: Page, world: World) -> None:
    page.get_by_label("Present password").fill("a guess")
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("The new one again").fill("short")
    page.get_by_role("button", name="Change the password").click()
    page.get_by_role("alert").first.wait_for()


def invite_somebody(page: Page, world: World) -> None:
    form = page.locator("form:has(input[value=invite])")
    form.get_by_label("User name").fill("heidi")
    form.get_by_role("button", name="Make invitation").click()
    page.get_by_text("it is shown this once").wait_for()


def open_an_invitation(page: Page, world: World) -> None:
    invite_somebody(page, world)
    page.goto("/invitations/" + page.locator("#new-invitation").inner_text().rstrip("/").rsplit("/", 1)[1] + "/")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Set password and sign in").click()
    page.locator(".errorlist").first.wait_for()


def show_the_recovery_codes(page: Page, world: World) -> None:
    secret = page.locator("#app-key").inner_text().strip()
    page.get_by_label("Code that the app shows").fill(totp.format_hotp_value(totp.hotp_value(secret, now_step())))
    page.get_by_role("button", name="Add the app").click()
    page.get_by_text("shown this once").wait_for()


def give_the_password(page: Page, world: World) -> None:
    """Of somebody who has an app and a passkey by now; the next sights are of them too."""
    key, host = SoftKey(), world.people["mallory"]
    question = {"publicKey": {"challenge": "AA"}}
    WebAuthn.add(host, "Laptop", json.loads(key.make(json.dumps(question))))
    page.get_by_label("User name").fill("mallory")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Second factor").wait_for()


def now_step() -> int:
    return int(time.time()) // 30


def approve_what_has_changed(page: Page, world: World) -> None:
    """Somebody else's click came first: the evidence is not what this person read."""
    asked = ApprovalRequest.objects.get(pk=world.requests["open"].pk)
    asked.evidence["metrics"] = {"accuracy": "0.5"}
    asked.evidence_digest = "0" * 64
    asked.save()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("Nothing was changed.").wait_for()


def ask_for_nothing(page: Page, world: World) -> None:
    page.get_by_role("button", name="Ask for the bypass").click()
    page.get_by_role("alert").first.wait_for()


def open_first_event(page: Page, world: World) -> None:
    page.locator("details.event-more summary").first.click()


def be_denied_first(page: Page, world: World) -> None:
    """Look for a model that is not there, and find that in the log."""
    page.request.get("/models/no-such-model/")
    page.reload()
    page.get_by_text("no-such-model").first.wait_for()


def make_a_checkpoint(page: Page, world: World) -> None:
    page.get_by_role("button", name="Make a checkpoint").click()
    page.get_by_text("Signs now").wait_for()


def send_empty_request(page: Page, world: World) -> None:
    page.get_by_role("button", name="Send request").click()
    page.get_by_role("alert").first.wait_for()


def sign_together(page: Page, world: World) -> None:
    page.get_by_role("button", name="Approve 1 request").click()
    page.get_by_role("status").first.wait_for()


def let_the_sync_fail(page: Page, world: World) -> None:
    worlds.fail_the_sync()
    page.reload()
    page.get_by_text("The last attempt said:").wait_for()


def let_a_sync_run(page: Page, world: World) -> None:
    worlds.run_a_sync()
    page.reload()
    page.get_by_role("progressbar").wait_for()
    page.get_by_role("button", name="Cancel the sync of default").wait_for()


def save_nonsense(page: Page, world: World) -> None:
    page.get_by_label("Address", exact=True).fill("ftp://mlflow")
    page.get_by_label("Sign-in").select_option("token")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").first.wait_for()


def add_nothing(page: Page, world: World) -> None:
    page.get_by_role("button", name="Add connection").click()
    page.get_by_role("alert").first.wait_for()


def wait_for_operations(page: Page, world: World) -> None:
    page.locator("details.changed").first.wait_for()


def open_the_offers(page: Page, world: World) -> None:
    for summary in page.locator("details.offer summary").all():
        summary.click()


def give_nothing(page: Page, world: World) -> None:
    page.locator("td details summary").first.click()
    page.get_by_role("button", name="Give", exact=True).click()
    page.get_by_role("alert").first.wait_for()


def revoke_without_a_reason(page: Page, world: World) -> None:
    page.locator("td details summary").first.click()
    page.get_by_role("button", name="Revoke this token").click()
    page.get_by_role("alert").first.wait_for()


def add_nobody(page: Page, world: World) -> None:
    page.locator(".member-list details summary").first.click()
    page.get_by_label("User name").fill("nobody at all")
    page.get_by_role("button", name="Add member").click()
    page.get_by_role("alert").first.wait_for()


def open_the_acknowledging(page: Page, world: World) -> None:
    page.locator("td details summary").first.click()


def revert_what_is_settled(page: Page, world: World) -> None:
    """Somebody else was first."""
    finding = DriftFinding.objects.filter(pk=world.drift["failed"].pk)
    page.get_by_role("heading", name="Revert in MLflow").click()
    finding.update(state="accepted", settled_at=timezone.now())
    page.get_by_role("button", name="Move it back to Staging").click()
    page.get_by_text("Nothing was changed.").wait_for()
    finding.update(state="open", settled_at=None)


def protect_no_alias(page: Page, world: World) -> None:
    page.get_by_role("button", name="Protect", exact=True).click()
    page.get_by_role("alert").first.wait_for()


def open_the_unprotecting(page: Page, world: World) -> None:
    page.get_by_text("Unprotect").first.click()


def open_the_checks(page: Page, world: World) -> None:
    for summary in page.locator("#checks summary").all():
        summary.click()


def waive_without_a_reason(page: Page, world: World) -> None:
    page.get_by_role("button", name="Waive").click()
    page.get_by_role("alert").first.wait_for()


def save_no_policy(page: Page, world: World) -> None:
    page.get_by_role("button", name="Save the draft").last.click()
    page.get_by_role("alert").first.wait_for()


def add_a_rule(page: Page, world: World) -> None:
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_role("group", name="Rule 2").wait_for()


def set_no_control(page: Page, world: World) -> None:
    page.locator("#control-drift summary").click()
    page.get_by_role("button", name="Set No drift").click()
    page.get_by_role("alert").first.wait_for()


def set_no_hold(page: Page, world: World) -> None:
    page.get_by_role("button", name="Set the hold").click()
    page.get_by_role("alert").first.wait_for()


def look_at_a_campaign(page: Page, world: World) -> None:
    page.get_by_label("Name", exact=True).fill("Next quarter")
    page.get_by_label("Last day").fill((timezone.now() + timedelta(days=30)).date().isoformat())
    page.get_by_role("button", name="Look at what it would cover").click()
    page.get_by_role("button", name="Open it over").wait_for()


def remove_without_a_reason(page: Page, world: World) -> None:
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Remove them").click()
    page.get_by_role("alert").first.wait_for()


def set_no_freeze(page: Page, world: World) -> None:
    page.get_by_role("button", name="Set the freeze").click()
    page.get_by_role("alert").first.wait_for()


def delegate_to_nobody(page: Page, world: World) -> None:
    page.get_by_role("button", name="Delegate", exact=True).click()
    page.get_by_role("alert").first.wait_for()


def open_the_revoking(page: Page, world: World) -> None:
    page.locator("main summary").first.click()


def open_the_lifting(page: Page, world: World) -> None:
    page.get_by_text("Lift", exact=False).first.click()


DRIFT = (
    "open",
    "alias",
    "artifacts",
    "deleted",
    "failed",
    "requested",
    "reverting",
    "accepted",
    "reverted",
    "resolved",
)


def set_no_direction(page: Page, world: World) -> None:
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_role("alert").first.wait_for()


CHURN = "churn-classifier"
HOOK, QUIET_HOOK = "/notifications/webhooks/{hook}/", "/notifications/webhooks/{quiet_hook}/"


def open_the_owners(page: Page, world: World) -> None:
    page.locator("#facet-owner summary").click()
    page.get_by_label("retention").wait_for()


def save_a_view(page: Page, world: World) -> None:
    page.locator("#save-view summary").click()
    page.get_by_label("Name", exact=True).fill(f"Live ones {page.viewport_size}")
    page.get_by_label("Share with everybody").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("is saved.").wait_for()


def open_the_first_view(page: Page, world: World) -> None:
    page.locator("summary", has_text="Change").first.click()


def check_rows(content: str) -> Callable[[Page, World], None]:
    """Return what a person does who checks a file with this content."""

    def check(page: Page, world: World) -> None:
        rows = {"name": "rows.csv", "mimeType": "text/csv", "buffer": content.encode()}
        page.get_by_label("File").set_input_files(rows)
        page.get_by_role("button", name="Check", exact=True).click()
        page.locator("#result").wait_for()

    return check


def send_no_file(page: Page, world: World) -> None:
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_role("alert").first.wait_for()


def open_values(page: Page, world: World) -> None:
    page.get_by_text("Every value as a table").click()


def add_no_webhook(page: Page, world: World) -> None:
    page.get_by_role("button", name="Add webhook").click()
    page.get_by_role("alert").first.wait_for()


def save_half_the_quiet_hours(page: Page, world: World) -> None:
    page.get_by_label("No mail from").select_option("22")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").first.wait_for()


def make_a_new_secret(page: Page, world: World) -> None:
    page.get_by_role("button", name="Make a new secret").click()
    page.get_by_text("never shown again").first.wait_for()


def send_a_test(page: Page, world: World) -> None:
    """This machine, which the installation does not allow."""
    page.get_by_role("button", name="Send a test").click()
    page.get_by_text("The test did not arrive").wait_for()


def open_the_removal(page: Page, world: World) -> None:
    page.get_by_text("Remove", exact=True).click()
    page.get_by_text("Remove this webhook?").wait_for()


def send_back_without_a_reason(page: Page, world: World) -> None:
    page.get_by_role("button", name="Send it back").click()
    page.get_by_role("alert").first.wait_for()


def comment_nothing(page: Page, world: World) -> None:
    page.get_by_text("Comment on Risks and ethics", exact=True).click()
    page.locator("#comments-risks").get_by_role("button", name="Keep the comment").click()
    page.get_by_role("alert").first.wait_for()


def look_at_requirements(page: Page, world: World) -> None:
    page.get_by_label("Language, low").select_option("S")
    page.get_by_label("Reason").fill("Texts in many languages.")
    page.get_by_role("button", name="Look at what would change").click()
    page.get_by_role("button", name="Publish the set").wait_for()


def require_without_a_reason(page: Page, world: World) -> None:
    page.get_by_role("button", name="Look at what would change").click()
    page.get_by_role("alert").first.wait_for()


OLD_CARD = """# モデルカード: 解約予測

## 基本情報
- **バージョン**: 1.2.0

## 性能メトリクス
- **auc**: 0.91

## 利用者
- 解約防止チーム

## Caveats
Trained before the new prices.
"""


def see_an_import(page: Page, world: World) -> None:
    if not Card.objects.filter(version__model=world.churn, version__number=2).exists():
        cards.start("churn-classifier", 2, by=world.people["alice"])
        page.reload()
    page.get_by_label("Or paste it").fill(OLD_CARD)
    page.get_by_role("button", name="Look at what would change").click()
    page.get_by_role("button", name="Save what was chosen").wait_for()


def import_without_a_reason(page: Page, world: World) -> None:
    see_an_import(page, world)
    page.locator("#way-version-take").check()
    page.get_by_role("button", name="Save what was chosen").click()
    page.get_by_role("alert").first.wait_for()


def import_nothing(page: Page, world: World) -> None:
    page.get_by_role("button", name="Look at what would change").click()
    page.get_by_role("alert").first.wait_for()


def open_what_is_closed(page: Page, world: World) -> None:
    for summary in page.locator(".card-field summary").all():
        summary.click()


def preview_the_metrics(page: Page, world: World) -> None:
    page.get_by_role("textbox", name="Why these metrics").fill("They are **what counts**: who is called first.")
    page.locator("button[value=preview-metric_rationale]").click()
    page.get_by_role("region", name="Preview: Why these metrics").get_by_text("what counts").wait_for()


def save_too_long_a_line(page: Page, world: World) -> None:
    page.get_by_label("Hours").fill("9" * 1001)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("alert").first.wait_for()


def save_what_bob_changed(page: Page, world: World) -> None:
    """Bob saves other references while alice types hers."""
    base = card_queries.get_card(world.people["bob"], "churn-classifier", 1).number
    said = Edit({"references": [f"Ticket {base}, of bob."]})
    cards.save("churn-classifier", 1, said, base=base, by=world.people["bob"])
    page.get_by_label("References 1").fill("Ticket 4, of alice.")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("somebody else changed the same").wait_for()


V1, V2 = "/models/churn-classifier/v/1/", "/models/churn-classifier/v/2/"
LINT = "/requests/{changes_requested}/waive/?check=external:lint"
SIGHTS = {
    "sign in": Sight("accounts:sign-in", "/sign-in/", by=None),
    "models": Sight("registry:model-list", "/models/"),
    "models, none visible": Sight("registry:model-list", "/models/", by="mallory"),
    "models, no result": Sight("registry:model-list", "/models/?q=nothing+like+it"),
    "models, deleted too": Sight("registry:model-list", "/models/?deleted=on"),
    "models, counts": Sight("registry:model-list", "/models/", does=open_the_owners),
    "models, filtered": Sight("registry:model-list", "/models/?q=c&stage=Production&no=risk&sort=-updated&counts=on"),
    "models, saving a view": Sight("registry:model-list", "/models/?stage=Production", does=save_a_view),
    "views": Sight("registry:view-list", "/views/", does=open_the_first_view),
    "views, none": Sight("registry:view-list", "/views/", by="mallory"),
    "models, malformed filter": Sight("registry:model-list", "/models/?cursor=x", status=400),
    "model": Sight("registry:model-detail", "/models/churn-classifier/", does=open_values),
    "model, no metric": Sight("registry:model-detail", "/models/retired-ranker/?metric=none"),
    "model, not there": Sight("registry:model-detail", "/models/none/", status=404),
    "version": Sight("registry:version-detail", V2),
    "version, being read": Sight("registry:version-detail", "/models/half-read/v/1/"),
    "check": Sight("registry:check-data", f"{V2}check-data/"),
    "check, fits": Sight("registry:check-data", f"{V2}check-data/", does=check_rows("age,plan\n1,a\n")),
    "check, does not fit": Sight("registry:check-data", f"{V2}check-data/", does=check_rows("Age,plan\nx,\n")),
    "check, no file": Sight("registry:check-data", f"{V2}check-data/", does=send_no_file),
    "check, no signature": Sight("registry:check-data", "/models/churn-classifier/v/3/check-data/"),
    "version, gaps": Sight("registry:version-detail", "/models/churn-classifier/v/3/"),
    "card, written": Sight("modelcards:edit", f"{V1}card/edit/use/", by="alice"),
    "card, said otherwise": Sight("modelcards:edit", f"{V1}card/edit/basics/", by="alice", does=open_what_is_closed),
    "card, facts": Sight("modelcards:edit", f"{V1}card/edit/model/", by="alice", does=open_what_is_closed),
    "card, data sets": Sight("modelcards:edit", f"{V1}card/edit/data/", by="alice", does=open_what_is_closed),
    "card, metrics": Sight("modelcards:edit", f"{V1}card/edit/performance/", by="alice", does=preview_the_metrics),
    "card, with a draft": Sight("modelcards:edit", f"{V1}card/edit/risks/", by="alice"),
    "card, errors": Sight("modelcards:edit", f"{V1}card/edit/operation/", by="alice", does=save_too_long_a_line),
    "card, conflict": Sight("modelcards:edit", f"{V1}card/edit/more/", by="alice", does=save_what_bob_changed),
    "compare": Sight("registry:compare", "/compare/?base=churn-classifier%401&candidate=churn-classifier%402"),
    "compare, three": Sight(
        "registry:compare", f"/compare/?base={CHURN}%401&candidate={CHURN}%402&candidate={CHURN}%403"
    ),
    "compare, two models": Sight("registry:compare", f"/compare/?base={CHURN}%401&candidate=forecast-applied%402"),
    "metrics": Sight("registry:metric-list", "/metrics/"),
    "metrics, to an admin": Sight("registry:metric-list", "/metrics/?metric=epochs", by="admin", does=set_no_direction),
    "compare, nothing chosen": Sight("registry:compare", "/compare/"),
    "card": Sight("modelcards:card", f"{V2}card/"),
    "card, to its author": Sight("modelcards:card", f"{V2}card/", by="alice"),
    "card, none": Sight("modelcards:card", "/models/churn-classifier/v/3/card/", by="alice"),
    "card, out of step": Sight("modelcards:card", "/models/forecast-out-of-step/v/1/card/", by="alice"),
    "card, sent back without a reason": Sight("modelcards:step", f"{V2}card/", does=send_back_without_a_reason),
    "card, an empty comment": Sight("modelcards:comment", f"{V2}card/", does=comment_nothing),
    "card, an older revision": Sight("modelcards:revision", f"{V2}card/revisions/1/"),
    "card, history": Sight("modelcards:history", f"{V2}card/history/"),
    "card, compared": Sight("modelcards:compare", f"{V2}card/compare/?base=1&other=3"),
    "card, compared with the version before": Sight("modelcards:compare", f"{V2}card/compare/?with=1"),
    "requirements": Sight("modelcards:requirements", "/cards/requirements/"),
    "requirements, edited": Sight(
        "modelcards:requirements", "/cards/requirements/?edit=on", by="admin", does=require_without_a_reason
    ),
    "requirements, what would change": Sight(
        "modelcards:requirements", "/cards/requirements/?edit=on", by="admin", does=look_at_requirements
    ),
    "import, no card yet": Sight("modelcards:import", "/models/churn-classifier/v/3/card/import/", by="alice"),
    "import, what would change": Sight("modelcards:import", f"{V2}card/import/", by="alice", does=see_an_import),
    "import, no reason": Sight("modelcards:import", f"{V2}card/import/", by="alice", does=import_without_a_reason),
    "import, nothing chosen": Sight("modelcards:import", f"{V2}card/import/", by="alice", does=import_nothing),
    "ask": Sight("approvals:request-new", f"{V2}request/", by="alice"),
    "ask, errors": Sight("approvals:request-new", f"{V2}request/", by="alice", does=send_empty_request),
    "ask, not allowed": Sight("approvals:request-new", f"{V2}request/", by="charlie", status=403),
    "request, applied": Sight("approvals:request-detail", "/requests/{applied}/"),
    "request, apply failed": Sight("approvals:request-detail", "/requests/{apply_failed}/"),
    "request, approved": Sight("approvals:request-detail", "/requests/{approved}/"),
    "request, changes requested": Sight("approvals:request-detail", "/requests/{changes_requested}/"),
    "waiver": Sight("approvals:check-waive", LINT),
    "waiver, errors": Sight("approvals:check-waive", LINT, does=waive_without_a_reason),
    "waiver, not allowed": Sight("approvals:check-waive", LINT, by="alice", status=403),
    "waiver, revoked": Sight("approvals:waiver-revoke", "/requests/{changes_requested}/", does=open_the_checks),
    "version, checked by a pipeline": Sight("registry:version-detail", "/models/forecast-changes-requested/v/2/"),
    "request, open": Sight("approvals:request-detail", "/requests/{open}/"),
    "request, rejected": Sight("approvals:request-detail", "/requests/{rejected}/"),
    "request, to the requester": Sight("approvals:request-detail", "/requests/{open}/", by="alice"),
    "requests": Sight("approvals:request-list", "/requests/"),
    "requests, no result": Sight("approvals:request-list", "/requests/?state=withdrawn"),
    "reviews": Sight("approvals:review-queue", "/reviews/"),
    "reviews, your team": Sight("approvals:review-queue", "/reviews/?tab=team"),
    "reviews, you asked": Sight("approvals:review-queue", "/reviews/?tab=mine", by="alice"),
    "reviews, decided": Sight("approvals:review-queue", "/reviews/?tab=decided"),
    "reviews, no such tab": Sight("approvals:review-queue", "/reviews/?tab=odd", status=400),
    "sign several": Sight("approvals:sign-together", "/reviews/sign/?request={open}&request={rejected}"),
    "sign several, none chosen": Sight("approvals:sign-together", "/reviews/sign/"),
    "sign several, signed": Sight("approvals:sign-together", "/reviews/sign/?request={alias}", does=sign_together),
    "draft": Sight("approvals:request-detail", "/requests/{draft}/", by="alice"),
    "draft, edited": Sight("approvals:request-edit", "/requests/{draft}/edit/", by="alice"),
    "request for an alias": Sight("approvals:request-detail", "/requests/{alias}/"),
    "ask for several": Sight("approvals:request-several", "/requests/new/", by="alice"),
    "ask for several, nothing written": Sight(
        "approvals:request-several", "/requests/new/", by="alice", does=send_empty_request
    ),
    "reviews, none": Sight("approvals:review-queue", "/reviews/", by="mallory"),
    "exceptions": Sight("approvals:exception-list", "/exceptions/"),
    "exceptions, none": Sight("approvals:exception-list", "/exceptions/", by="mallory"),
    "request, bypassed": Sight("approvals:request-detail", "/requests/{bypassed}/"),
    "request, bypass asked": Sight("approvals:request-detail", "/requests/{bypass_asked}/", by="admin"),
    "request, lapsing": Sight("approvals:request-detail", "/requests/{lapsing}/", by="erin"),
    "model, bypassed": Sight("registry:model-detail", "/models/guard-bypassed/"),
    "model, to roll back": Sight("registry:model-detail", "/models/guard-back/"),
    "bypass": Sight("approvals:request-bypass", "/requests/{open}/bypass/", does=ask_for_nothing),
    "bypass, the second": Sight("approvals:request-bypass", "/requests/{bypass_asked}/bypass/", by="admin"),
    "after-review": Sight("approvals:request-after-review", "/requests/{bypassed}/after-review/", by="erin"),
    "certify anew": Sight("approvals:request-recertify", "/requests/{lapsing}/recertify/", by="erin"),
    "rollback": Sight("approvals:model-rollback", "/models/guard-back/rollback/?stage=Production"),
    "rollback, nothing": Sight("approvals:model-rollback", "/models/guard-lapsing/rollback/?stage=Production"),
    "drift": Sight("approvals:drift-list", "/drift/"),
    "drift, settled": Sight("approvals:drift-list", "/drift/?show=settled"),
    "drift, no result": Sight("approvals:drift-list", "/drift/?connection=none"),
    "drift, none": Sight("approvals:drift-list", "/drift/", by="mallory"),
    "drift, malformed filter": Sight("approvals:drift-list", "/drift/?kind=x", status=400),
    **{f"drift, {name}": Sight("approvals:drift-detail", f"/drift/{{drift_{name}}}/") for name in DRIFT},
    "drift, what can be done": Sight("approvals:drift-detail", "/drift/{drift_open}/", does=open_the_offers),
    "drift, to a viewer": Sight("approvals:drift-detail", "/drift/{drift_open}/", by="charlie"),
    "drift, not there": Sight("approvals:drift-detail", "/drift/99999/", status=404),
    "drift, settled meanwhile": Sight("approvals:drift-act", "/drift/{drift_failed}/", does=revert_what_is_settled),
    "model, drifted": Sight("registry:model-detail", "/models/ranker-open/"),
    "version, drifted": Sight("registry:version-detail", "/models/ranker-open/v/2/"),
    "alias, refused": Sight("approvals:alias-protect", "/policies/", by="admin", does=protect_no_alias),
    "alias, let go": Sight("approvals:alias-unprotect", "/policies/", by="admin", does=open_the_unprotecting),
    "as of": Sight("approvals:as-of", "/as-of/"),
    "as of, a model": Sight("approvals:as-of", f"/as-of/?model={CHURN}"),
    "as of, before the first sight": Sight("approvals:as-of", f"/as-of/?model={CHURN}&date=2026-05-05"),
    "as of, none": Sight("approvals:as-of", "/as-of/", by="mallory"),
    "as of, malformed moment": Sight("approvals:as-of", "/as-of/?date=yesterday", status=400),
    "compliance": Sight("compliance:matrix", "/compliance/"),
    "compliance, then": Sight("compliance:matrix", "/compliance/?date=2026-06-01&control=approval&outcome=met"),
    "compliance, malformed filter": Sight("compliance:matrix", "/compliance/?outcome=x", status=400),
    "controls": Sight("compliance:control-list", "/compliance/controls/"),
    "controls, to an admin": Sight("compliance:control-list", "/compliance/controls/", by="admin", does=set_no_control),
    "holds": Sight("compliance:hold-list", "/compliance/holds/", by="admin", does=set_no_hold),
    "holds, lifting": Sight("compliance:hold-lift", "/compliance/holds/", by="ada", does=open_the_revoking),
    "evidence": Sight("compliance:evidence", f"{V2}evidence/"),
    "model, on hold": Sight("registry:model-detail", "/models/retired-ranker/"),
    "policies": Sight("approvals:policy-list", "/policies/"),
    "policies, to an admin": Sight("approvals:policy-list", "/policies/", by="admin"),
    "policy": Sight("approvals:policy-detail", "/policies/{policy}/"),
    "policy, a draft": Sight("approvals:policy-detail", "/policies/{policy_draft}/", by="admin"),
    "policy, a draft to publish": Sight("approvals:policy-publish", "/policies/{policy_draft}/", by="ada"),
    "policy, published by its author": Sight("approvals:policy-discard", "/policies/{policy_draft}/", by="admin"),
    "policy, that cannot be met": Sight("approvals:policy-detail", "/policies/{policy_unsolvable}/", by="admin"),
    "policy, dry run": Sight("approvals:policy-dry-run", "/policies/{policy_unsolvable}/dry-run/", by="admin"),
    "policy, new": Sight("approvals:policy-new", "/policies/new/", by="admin"),
    "policy, new, errors": Sight("approvals:policy-new", "/policies/new/", by="admin", does=save_no_policy),
    "policy, new, more rules": Sight("approvals:policy-new", "/policies/new/", by="admin", does=add_a_rule),
    "policy, edited": Sight("approvals:policy-edit", "/policies/{policy_draft}/edit/", by="admin"),
    "policy, not allowed": Sight("approvals:policy-new", "/policies/new/", status=403),
    "freezes": Sight("approvals:freeze-list", "/freezes/"),
    "freezes, to an admin": Sight("approvals:freeze-list", "/freezes/", by="admin", does=set_no_freeze),
    "freezes, lifting": Sight("approvals:freeze-lift", "/freezes/", by="admin", does=open_the_lifting),
    "delegations": Sight("approvals:delegation-list", "/delegations/", by="bob", does=delegate_to_nobody),
    "delegations, ended": Sight("approvals:delegation-list", "/delegations/?show=ended", by="bob"),
    "delegations, none": Sight("approvals:delegation-list", "/delegations/", by="mallory"),
    "delegations, waiting": Sight("approvals:delegation-list", "/delegations/", by="charlie"),
    "delegations, revoking": Sight("approvals:delegation-revoke", "/delegations/", by="bob", does=open_the_revoking),
    "comments on a version, one's own": Sight("approvals:comment-remove", "/models/churn-classifier/v/2/", by="erin"),
    "comments on a version, first": Sight("approvals:comment-add", "/models/churn-classifier/v/1/", by="bob"),
    "conditions": Sight("approvals:condition-meet", "/requests/{conditional}/", by="charlie"),
    "signing in, nothing yet": Sight("accounts:security", "/account/security/", by="alice"),
    "app": Sight("accounts:app-add", "/account/security/app/", by="alice", does=add_a_wrong_code),
    "recovery codes": Sight("accounts:app-add", "/account/security/app/", by="mallory", does=show_the_recovery_codes),
    "passkey": Sight("accounts:passkey-add", "/account/security/passkey/", by="alice", does=make_no_passkey),
    "password": Sight("accounts:password", "/account/security/password/", by="alice"),
    "password, errors": Sight("accounts:password", "/account/security/password/", by="alice", does=change_no_password),
    "second factor": Sight("accounts:second-factor", "/sign-in/", by=None, does=give_the_password),
    "signing in": Sight("accounts:security", "/account/security/", by="mallory"),
    "password, with a second factor": Sight("accounts:password", "/account/security/password/", by="mallory"),
    "sign with a passkey": Sight("accounts:prove-by-passkey", "/account/prove/passkey/", by="mallory"),
    "password, of somebody without": Sight("accounts:password", "/account/security/password/", by="grace", status=404),
    "signing in, without a password": Sight("accounts:security", "/account/security/", by="grace"),
    "people, invited": Sight("accounts:people", "/people/", by="admin", does=invite_somebody),
    "invitation": Sight("accounts:invitation", "/people/", by="admin", does=open_an_invitation),
    "invitation, none": Sight("accounts:invitation", "/invitations/x/", by=None, status=404),
    "people": Sight("accounts:people", "/people/", by="admin"),
    "people, searched": Sight("accounts:people", "/people/?q=bo", by="admin"),
    "group": Sight("accounts:group", "/people/groups/{group}/", by="admin"),
    "group, refused": Sight("accounts:group", "/people/groups/{group}/", by="admin", does=add_nobody),
    "group, out of sight": Sight("accounts:group", "/people/groups/{group}/", status=404),
    "person": Sight("accounts:person", "/people/{reviewer}/", by="admin", does=revoke_without_a_reason),
    "person, invited": Sight("accounts:person", "/people/{invited}/", by="admin"),
    "person, a machine": Sight("accounts:person", "/people/{service}/", by="admin"),
    "person, out of sight": Sight("accounts:person", "/people/{reviewer}/", status=404),
    "tables": Sight("tables:index", "/admin/", by="root"),
    "table": Sight("tables:rows", "/admin/approvals.approvalrequest/", by="root"),
    "table, empty": Sight("tables:rows", "/admin/accounts.signingpass/", by="root"),
    "row": Sight("tables:row", "/admin/registry.modelversion/rows/{version}/", by="root"),
    "tables, out of sight": Sight("tables:index", "/admin/", by="admin", status=404),
    "grants": Sight("accounts:grant-list", "/people/grants/", by="admin", does=give_nothing),
    "grants, malformed filter": Sight("accounts:grant-list", "/people/grants/?scope=galaxy", by="admin", status=400),
    "access reviews": Sight("accounts:access-review-list", "/people/access-reviews/", by="admin"),
    "access review, new": Sight(
        "accounts:access-review-new", "/people/access-reviews/new/", by="admin", does=look_at_a_campaign
    ),
    "access review": Sight("accounts:access-review", "/people/access-reviews/{campaign}/", by="admin"),
    "access review, ended early": Sight(
        "accounts:access-review-end", "/people/access-reviews/{campaign}/end/", by="admin"
    ),
    "access review, to an owner": Sight("accounts:access-review", "/people/access-reviews/{campaign}/"),
    "access to review": Sight("accounts:access-to-review", "/access-to-review/", does=remove_without_a_reason),
    "access to review, none": Sight("accounts:access-to-review", "/access-to-review/", by="mallory"),
    "roles": Sight("accounts:role-table", "/people/roles/", by="admin"),
    "conflicts": Sight("accounts:conflict-list", "/people/conflicts/", by="admin", does=open_the_acknowledging),
    "may": Sight("approvals:may", "/people/may/?permission=model:write", by="charlie"),
    "may, of a reviewer": Sight(
        "approvals:may", "/people/may/?person=bob&permission=model:review&model=churn-classifier", by="admin"
    ),
    "people, not allowed": Sight("accounts:people", "/people/", status=403),
    "account": Sight("accounts:account", "/account/", by="alice"),
    "service account": Sight("accounts:service-account", "/people/service-accounts/{service}/", by="admin"),
    "account, new token": Sight("accounts:account", "/account/", by="alice", does=make_token),
    "audit": Sight("audit:event-list", "/audit/", by="admin", does=open_first_event),
    "access log": Sight("audit:access-list", "/audit/access/", by="admin", does=be_denied_first),
    "proof of the trail": Sight("audit:proof", "/audit/proof/", by="admin", does=make_a_checkpoint),
    "a model's report": Sight("approvals:model-report", f"/models/{CHURN}/report/"),
    "audit, one event": Sight("audit:event-detail", "/audit/events/1/", by="admin"),
    "audit, nothing fits": Sight("audit:event-list", "/audit/?actor=nobody&action=view.saved&address=x", by="admin"),
    "audit, malformed filter": Sight("audit:event-list", "/audit/?since=yesterday", status=400),
    "sync": Sight("registry:sync", "/sync/", by="admin"),
    "sync, to a reader": Sight("registry:sync", "/sync/"),
    "sync, one runs": Sight("registry:sync", "/sync/", by="admin", does=let_a_sync_run),
    "connections": Sight("registry:connection-list", "/connections/", by="admin"),
    "connections, not allowed": Sight("registry:connection-list", "/connections/", status=403),
    "connection of the environment": Sight("registry:connection-detail", "/connections/default/", by="admin"),
    "connection": Sight("registry:connection-detail", "/connections/eu/", by="admin"),
    "connection, errors": Sight("registry:connection-detail", "/connections/eu/", by="admin", does=save_nonsense),
    "connection, new": Sight("registry:connection-new", "/connections/new/", by="admin"),
    "connection, new, errors": Sight("registry:connection-new", "/connections/new/", by="admin", does=add_nothing),
    "notifications": Sight("notifications:notification-list", "/notifications/"),
    "notifications, to an admin": Sight("notifications:notification-list", "/notifications/", by="admin"),
    "notifications, none of a kind": Sight("notifications:notification-list", "/notifications/?kind=other"),
    "notifications, none": Sight("notifications:notification-list", "/notifications/", by="mallory"),
    "notifications, malformed filter": Sight("notifications:notification-list", "/notifications/?kind=x", status=400),
    "notification choices": Sight("notifications:preferences", "/notifications/preferences/"),
    "notification choices, errors": Sight(
        "notifications:preferences", "/notifications/preferences/", does=save_half_the_quiet_hours
    ),
    "webhooks": Sight("notifications:webhook-list", "/notifications/webhooks/", by="admin"),
    "webhooks, not allowed": Sight("notifications:webhook-list", "/notifications/webhooks/", status=403),
    "webhook": Sight("notifications:webhook-detail", HOOK, by="admin"),
    "webhook, tested": Sight("notifications:webhook-detail", HOOK, by="admin", does=send_a_test),
    "webhook, new secret": Sight("notifications:webhook-detail", HOOK, by="admin", does=make_a_new_secret),
    "webhook, to be removed": Sight("notifications:webhook-detail", HOOK, by="admin", does=open_the_removal),
    "webhook, no such delivery": Sight("notifications:webhook-detail", f"{HOOK}?state=done", by="admin"),
    "webhook, nothing sent yet": Sight("notifications:webhook-detail", QUIET_HOOK, by="admin"),
    "webhook, new": Sight("notifications:webhook-new", "/notifications/webhooks/new/", by="admin"),
    "webhook, new, errors": Sight(
        "notifications:webhook-new", "/notifications/webhooks/new/", by="admin", does=add_no_webhook
    ),
    "API documentation": Sight("api:docs", "/api/v1/docs/"),
    "request, changed meanwhile": Sight("approvals:request-act", "/requests/{open}/", does=approve_what_has_changed),
    "sync, failing": Sight("registry:sync", "/sync/", by="admin", does=let_the_sync_fail),  # the last: shows everywhere
}


def faults(page: Page, heard: list[str], *, rules: list[str] | None) -> list[str]:
    """Return what is wrong with the page as it stands. `rules`: axe's, None for all."""
    found = [*heard, *axe_violations(page, rules), *sideways(page)]
    if not page.title().strip() or page.locator("h1").count() != 1:
        found.append(f"title {page.title()!r}, {page.locator('h1').count()} first headings")
    return found if page.locator("nav").count() == 0 else [*found, *_skip_link(page)]


def _skip_link(page: Page) -> list[str]:
    """Return a complaint unless the skip link, wanted where there is a menu to skip, leads to the content."""
    page.locator(".skip-link").focus()
    page.keyboard.press("Enter")
    reached = page.evaluate("document.activeElement.id")
    return [] if reached == "main" else [f"the skip link leads to {reached!r}"]


def look(page: Page, scheme: Literal["light", "dark"], width: int) -> None:
    """Show the page as it stands in these colours, on a screen of this width in pixels."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_every_page_is_as_it_should_be(open_browser, live_server):
    context = open_browser(reduced_motion="reduce")
    page = context.new_page()
    heard = listen(page)
    world = worlds.build()
    numbers = {state: asked.pk for state, asked in world.requests.items()}
    numbers |= {f"drift_{name}": finding.pk for name, finding in world.drift.items()}
    numbers |= {name: policy.pk for name, policy in world.policies.items()}
    numbers |= {"campaign": AccessReview.objects.get().pk}
    numbers |= world.webhooks | {"service": User.objects.get(username="ci-churn").pk}
    numbers |= {"reviewer": world.people["bob"].pk, "invited": User.objects.get(username="invited").pk}
    numbers["group"] = world.people["bob"].groups.order_by("name")[0].pk
    numbers["version"] = world.churn.versions.latest("pk").pk
    world.people["grace"] = User.objects.create_user("grace")  # by single sign-on alone
    world.people["root"] = User.objects.create_superuser("root", password=PASSWORD)
    found: dict[str, list[str]] = {}
    shown: str | None = "nobody yet"
    for name, sight in SIGHTS.items():
        if shown != sight.by:
            become(context, world.people.get(sight.by or ""), live_server.url)
            shown = sight.by
        heard.clear()
        look(page, *LOOKS[0][:2])
        answer = page.goto(sight.path.format(**numbers))
        assert (name, answer.status) == (name, sight.status)
        sight.does(page, world)
        for scheme, width, rules in LOOKS:
            look(page, scheme, width)
            found[f"{name}, {scheme}, {width}"] = faults(page, heard, rules=rules)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_every_page_is_looked_at():
    pages = [name for name in addresses() if name == "api:docs" or not name.startswith("api:")]
    assert sorted({sight.route for sight in SIGHTS.values()} | NOT_PAGES) == sorted(pages)
