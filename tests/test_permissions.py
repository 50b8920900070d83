"""Every address × every role × (granted / stranger). An address or method that is missing from the table fails.

Roles are held per model: `granted` on the model of the request, `stranger` on another model only; `everywhere` is
the admin role on the whole registry; `nobody` is not signed in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from apps.accounts import grants
from apps.accounts.authentication import digest_of
from apps.accounts.models import AccessReview, AccessReviewItem, ApiToken, Grant, Invitation, User
from apps.accounts.roles import ADMIN, DATA_SCIENTIST, REVIEWER, ROLES
from apps.approvals import commenting, services
from apps.approvals.models import (
    ApprovalPolicy,
    ApprovalRequest,
    Condition,
    Delegation,
    DriftFinding,
    FreezeWindow,
    ProtectedAlias,
    Review,
    VersionComment,
    Waiver,
)
from apps.compliance.models import LegalHold
from apps.encryption import seal
from apps.modelcards import comments
from apps.modelcards import services as cards
from apps.modelcards.models import CardComment
from apps.notifications.models import Delivery, Endpoint
from apps.registry.models import RegisteredModel, SavedView
from tests.builders import make_model, make_policy, make_version
from tests.conftest import PASSWORD, member
from tests.undoing import undone

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Row:
    """What one method of one address answers. `granted` may differ by role; "*" is every other role."""

    granted: int | dict[str, int]
    stranger: int
    everywhere: int
    nobody: int
    payload: dict[str, Any] = field(default_factory=dict)
    query: str = ""

    def expected(self) -> dict[str, int]:
        by_role = self.granted if isinstance(self.granted, dict) else {"*": self.granted}
        granted = {f"granted {role}": by_role.get(role, by_role["*"]) for role in ROLES}
        strangers = {f"stranger {role}": self.stranger for role in ROLES}
        return granted | strangers | {"everywhere": self.everywhere, "nobody": self.nobody}


def page(granted: int | dict[str, int] = 200, stranger: int = 200, everywhere: int = 200, **more: Any) -> Row:
    return Row(granted, stranger, everywhere, **{"nobody": 302, **more})


def api(granted: int | dict[str, int] = 200, stranger: int = 200, everywhere: int = 200, **more: Any) -> Row:
    return Row(granted, stranger, everywhere, **{"nobody": 401, **more})


def public(status: int = 200, **more: Any) -> Row:
    return Row(status, status, status, status, **more)


ASKERS = {"data_scientist": 200, "ml_engineer": 200, "admin": 200, "*": 403}
ASKED_PAGE = {"data_scientist": 302, "ml_engineer": 302, "admin": 302, "*": 403}
ASKED_API = {"data_scientist": 201, "ml_engineer": 201, "admin": 201, "*": 403}
WRITERS_409 = {"data_scientist": 409, "ml_engineer": 409, "admin": 409, "*": 403}
COMMENTERS = ASKED_PAGE | {"reviewer": 302}
SETTLERS = {"ml_engineer": 302, "admin": 302, "reviewer": 302, "*": 403}
REVERTERS = {"ml_engineer": 200, "admin": 200, "reviewer": 200, "*": 403}
ASKERS_API = {"data_scientist": 200, "ml_engineer": 200, "admin": 200, "*": 403}
PROTECT = {"alias": "challenger", "reason": "It is served."}
ENGINEERS = {"ml_engineer": 200, "admin": 200, "*": 403}
COMPARED = "?base=churn@1&candidate=churn@2"
DIRECTION = {"metric": "epochs", "direction": "higher"}
PICTURE = {"path": "confusion_matrix.png", "title": "Confusion matrix"}
GATE = "?model=churn&version=2&target=Production"
MOVE = {"to_stage": "Archived", "reason": "Superseded."}
PAGE_MOVE = {"target": "Archived", "reason": "Superseded."}
ASKERS_409 = {"data_scientist": 409, "ml_engineer": 409, "admin": 409}
NOTHING_YET = {"ml_engineer": 409, "admin": 409, "*": 403}  # the state has none of it
POLICY = {"stage": "Staging", "rules": [{"needed": 2}], "reason": "Two pairs of eyes."}
POLICY_FORM = {"stage": "Staging", "staleness": "all", "sign_with": "none", "tolerance_percent": 0, "wait_minutes": 0,
               "after_review_days": 3, "rule-0-needed": 2, "reason": "Two pairs of eyes."}  # fmt: skip
FREEZE = {"name": "Year's end", "starts_at": "2090-12-20T00:00", "ends_at": "2091-01-02T00:00", "reason": "Books."}
CONNECTION = {"name": "eu", "url": "https://mlflow.example.org", "auth": "none", "timeout_seconds": 10}
WEBHOOK = {"name": "hook", "url": "https://hooks.example.org/"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
INVITED = "the text of an invitation"
WAIVER = {"check": "signature", "reason": "It scores a file.", "days": 7}
NO_WAY_BACK = {"ml_engineer": 409, "admin": 409, "*": 403}  # no version was there before by a decision
BACK = {"stage": "Production", "reason": "It scores nobody."}
CONFIRM = {"password": "guess", "evidence_digest": "{digest}"}
BYPASS = {"reason": "Every card is let through since nine this morning.", "ticket": "OPS-17", **CONFIRM}
RATIFIED = {"outcome": "ratified", "comment": "It was right.", "evidence_digest": "{digest}"}
ACKNOWLEDGE = {"person": "both", "do": "acknowledge", "reason": "A team of two."}
GIVE = {"group": "onlookers", "role": "viewer", "scope": "pattern", "value": "churn*", "reason": "They look."}
GIVE_FORM = GIVE | {"holder": "onlookers"}
APPROVE = {"comment": "", "evidence_digest": "{digest}"}
DAY = (timezone.now() + timedelta(days=30)).date().isoformat()
CAMPAIGN = {"name": "Quarter", "until": DAY}
ONE_ITEM = {"ids": [1], "reason": "Yes."}
SUBMIT = {"step": "submit", "digest": "0" * 64}
REMARK = {"section": "use", "body": "Who is called first?"}
ASKS_MORE = {"levels": {"language": {"low": "P"}}, "reason": "Ours are in many.", "seen": 0}
HOLD = {"model": "churn", "version": 2, "reason": "Case 4."}
HOLDERS = {"admin": 201, "*": 403}
CONTROL = {"enabled": True, "severity": "low", "reason": "Not yet.", "seen": 0}
REQUIREMENTS = {"language.low": "S", "reason": "Texts in many languages.", "seen": 0, "do": "publish"}
CARD_FILE = {"text": "# Model card: churn\n\n## Users\n\n- Retention team\n"}
TABLE = {
    ("home", "GET"): public(302),
    ("mlflow:home", "GET"): page(503, 503, 503),  # there is no MLflow behind this test
    ("mlflow:part", "GET"): api(404, 404, 404),
    **{("mlflow:part", method): api(403, 403, 403) for method in METHODS[1:]},  # no browser says where it comes from
    ("healthz", "GET"): public(200),
    ("readyz", "GET"): public(503),  # there is no MLflow behind this test
    ("tables:index", "GET"): page(404, 404, 404),  # for superusers, which no role makes anybody
    ("tables:rows", "GET"): page(404, 404, 404),
    ("tables:row", "GET"): page(404, 404, 404),
    ("accounts:sign-in", "GET"): Row(302, 302, 302, 200),
    ("accounts:sign-in", "POST"): Row(302, 302, 302, 200),  # signed out: the form again, with its error
    ("accounts:sign-out", "POST"): public(302),
    ("accounts:theme", "POST"): public(302, payload={"theme": "dark"}),
    ("accounts:service-account", "GET"): page(403, 403),
    ("accounts:service-account", "POST"): page(403, 403, payload={"name": "ci", "scope": "gate", "days": 9}),
    ("accounts:account", "GET"): page(),
    ("accounts:account", "POST"): page(payload={"name": "laptop", "scope": "read", "days": 30}),
    ("accounts:second-factor", "GET"): public(302),  # nobody is half-way in
    ("accounts:second-factor", "POST"): public(302, payload={"code": "000000"}),
    ("accounts:single-sign-on", "GET"): public(404),  # no provider is set
    ("accounts:single-sign-on-return", "GET"): public(404),
    ("accounts:connect", "GET"): page(404, 404, 404),
    ("accounts:prove", "GET"): page(404, 404, 404),
    ("accounts:prove-by-passkey", "GET"): page(404, 404, 404),  # nobody here has a passkey
    ("accounts:prove-by-passkey", "POST"): page(404, 404, 404),
    ("accounts:invitation", "GET"): public(),
    ("accounts:invitation", "POST"): public(400, payload={"password": "short", "again": "short"}),
    ("accounts:security", "GET"): page(),
    ("accounts:security", "POST"): page(302, 302, 302, payload={"do": "end_others"}),
    ("accounts:app-add", "GET"): page(),
    ("accounts:app-add", "POST"): page(400, 400, 400, payload={"code": "000000"}),
    ("accounts:passkey-add", "GET"): page(),
    ("accounts:passkey-add", "POST"): page(400, 400, 400, payload={"name": "laptop", "answer": "{}"}),
    ("accounts:password", "GET"): page(),
    ("accounts:password", "POST"): page(400, 400, 400, payload={"present": "guess", "new": "x", "repeated": "x"}),
    ("accounts:people", "GET"): page(403, 403),
    ("accounts:people", "POST"): page(403, 403, 302, payload={"do": "new_group", "name": "auditors"}),
    ("accounts:group", "GET"): page(404, 404),
    ("accounts:group", "POST"): page(404, 404, 302, payload={"do": "add_member", "person": "both"}),
    ("accounts:person", "GET"): page(404, 404),
    ("accounts:person", "POST"): page(404, 404, 302, payload={"do": "end_sessions", "reason": "A lost laptop."}),
    ("accounts:conflict-list", "GET"): page(403, 403),
    ("accounts:conflict-list", "POST"): page(403, 403, 302, payload=ACKNOWLEDGE),
    ("accounts:grant-list", "GET"): page(403, 403),
    ("accounts:grant-list", "POST"): page(403, 403, 302, payload=GIVE_FORM),
    ("accounts:grant-end", "POST"): page(403, 403, 302, payload={"reason": "Over."}),
    ("accounts:access-to-review", "GET"): page(),
    ("accounts:access-to-review", "POST"): page(400, 400, 400, payload={"do": "confirm"}),  # nothing is ticked
    ("accounts:access-review-list", "GET"): page(403, 403),
    ("accounts:access-review-new", "GET"): page(403, 403),
    ("accounts:access-review-new", "POST"): page(403, 403, 302, payload=CAMPAIGN | {"do": "open"}),
    ("accounts:access-review", "GET"): page(404, 404),
    ("accounts:access-review-reassign", "POST"): page(404, 404, 400, payload={"reason": "Yes."}),  # likewise
    ("accounts:access-review-end", "GET"): page(404, 404),
    ("accounts:access-review-end", "POST"): page(404, 404, 302, payload={"reason": "Over."}),
    ("accounts:access-review-cancel", "POST"): page(404, 404, 302, payload={"reason": "Over."}),
    ("accounts:access-review-csv", "GET"): page(404, 404, 409),  # it is open
    ("accounts:access-review-json", "GET"): page(404, 404, 409),
    ("accounts:role-table", "GET"): page(403, 403),
    ("modelcards:export", "GET"): page(200, 404),
    ("modelcards:import", "GET"): page(ASKERS, 404),
    ("modelcards:import", "POST"): page(ASKERS, 404, payload=CARD_FILE),
    ("approvals:may", "GET"): page(query="?permission=model:read"),
    ("registry:model-list", "GET"): page(),
    ("registry:view-list", "GET"): page(),
    ("registry:view-list", "POST"): page(302, 302, 302, payload={"do": "save", "name": "Mine", "query": "q=x"}),
    ("registry:view-open", "GET"): page(302, 302, 302),  # shared by somebody else
    ("registry:model-detail", "GET"): page(200, 404),
    ("registry:version-detail", "GET"): page(200, 404),
    ("registry:signature", "GET"): page(200, 404),
    ("registry:check-data", "GET"): page(200, 404),
    ("registry:check-data", "POST"): page(400, 404, 400),  # without a file
    ("modelcards:edit", "GET"): page(ASKERS, 404),
    ("modelcards:edit", "POST"): page(ASKED_PAGE, 404, 302, payload={"base": 1, "users-0": "Sales"}),
    ("modelcards:draft", "POST"): page(ASKERS, 404, payload={"base": 1, "users-0": "Sales"}),
    ("registry:compare", "GET"): page(200, 404, query=COMPARED),
    ("registry:compare-csv", "GET"): page(200, 404, query=COMPARED),
    ("registry:compare-json", "GET"): page(200, 404, query=COMPARED),
    ("registry:metric-list", "GET"): page(),
    ("registry:metric-list", "POST"): page(403, 403, 302, payload=DIRECTION),
    ("registry:picture", "GET"): page(503, 404, 503),  # there is no MLflow behind this test
    ("modelcards:card", "GET"): page(200, 404),
    ("modelcards:start", "POST"): page(WRITERS_409, 404, 409),  # there is one
    ("modelcards:refresh", "POST"): page(ASKED_PAGE, 404, 302, payload={"base": 1}),
    ("modelcards:step", "POST"): page(WRITERS_409, 404, 409, payload={"seen": "{digest}"}),  # not the card's digest
    ("modelcards:comment", "POST"): page(COMMENTERS, 404, 302, payload={"section": "use", "body": "For whom?"}),
    ("modelcards:resolve", "POST"): page(ASKED_PAGE, 404, 302),
    ("modelcards:history", "GET"): page(200, 404),
    ("modelcards:revision", "GET"): page(200, 404),
    ("modelcards:compare", "GET"): page(200, 404),
    ("modelcards:badge", "GET"): page(200, 404),
    ("modelcards:requirements", "GET"): page(),
    ("modelcards:requirements", "POST"): page(403, 403, 302, payload=REQUIREMENTS),
    ("registry:sync", "GET"): page(),
    ("registry:sync-run", "POST"): page(403, 403, 302),
    ("registry:sync-cancel", "POST"): page(403, 403, 404),  # there is no such sync
    ("registry:connection-list", "GET"): page(403, 403),
    ("registry:connection-new", "GET"): page(403, 403),
    ("registry:connection-new", "POST"): page(403, 403, 302, payload=CONNECTION),
    ("registry:connection-detail", "GET"): page(403, 403),
    ("registry:connection-detail", "POST"): page(403, 403, 302, payload={"do": "test"}),
    ("registry:webhook-receive", "POST"): public(404),  # no webhook is registered
    ("approvals:request-list", "GET"): page(),
    ("approvals:review-queue", "GET"): page(),
    ("approvals:request-detail", "GET"): page(200, 404),
    ("approvals:request-act", "POST"): page(
        {"reviewer": 302, "*": 403}, 404, 403, payload={"action": "approve", **APPROVE}
    ),
    ("approvals:check-waive", "GET"): page({"reviewer": 200, "*": 403}, 404, 403, query="?check=signature"),
    ("approvals:check-waive", "POST"): page({"reviewer": 409, "*": 403}, 404, 403, payload=WAIVER),  # it passes
    ("approvals:waiver-revoke", "POST"): page(
        {"reviewer": 302, "*": 403}, 404, 403, payload={"reason": "It holds no longer."}
    ),
    ("approvals:request-new", "GET"): page(ASKERS, 404),
    ("approvals:request-new", "POST"): page(ASKED_PAGE, 404, 302, payload=PAGE_MOVE),
    ("approvals:request-edit", "GET"): page({**ASKERS_409, "*": 403}, 404, 409),  # alice's, and no draft
    ("approvals:request-edit", "POST"): page({**ASKERS_409, "*": 403}, 404, 409, payload=PAGE_MOVE),
    ("approvals:request-export", "GET"): page(200, 404),
    ("approvals:request-several", "GET"): page(),
    ("approvals:request-several", "POST"): page(400, 400, 400),  # no version, no reason
    ("approvals:sign-together", "GET"): page(),
    ("approvals:sign-together", "POST"): page(400, 400, 400),  # nothing was chosen
    ("approvals:policy-list", "GET"): page(),
    ("approvals:policy-new", "GET"): page(403, 403),
    ("approvals:policy-new", "POST"): page(403, 403, 302, payload=POLICY_FORM),
    ("approvals:policy-detail", "GET"): page(404, 404),  # a draft
    ("approvals:policy-edit", "GET"): page(403, 403),
    ("approvals:policy-edit", "POST"): page(403, 403, 302, payload=POLICY_FORM),
    ("approvals:policy-dry-run", "GET"): page(404, 404),
    ("approvals:policy-publish", "POST"): page(403, 403, 302),
    ("approvals:policy-discard", "POST"): page(403, 403, 302),
    ("approvals:freeze-list", "GET"): page(),
    ("approvals:freeze-list", "POST"): page(403, 403, 302, payload=FREEZE),
    ("approvals:freeze-lift", "POST"): page(403, 403, 302, payload={"reason": "Over."}),
    ("approvals:comment-add", "POST"): page(COMMENTERS, 404, 302, payload={"comment": "Looks right."}),
    ("approvals:comment-remove", "POST"): page(403, 404, 403),  # somebody else's
    ("approvals:condition-meet", "POST"): page(403, 404, 403, payload={"note": "Done."}),  # somebody else's
    ("approvals:delegation-list", "GET"): page(),
    ("approvals:delegation-list", "POST"): page(400, 400, 400, payload={"delegate": "nobody", "ends": "2090-01-01"}),
    ("approvals:delegation-revoke", "POST"): page(404, 404, 302, payload={"reason": "She is back."}),
    ("approvals:exception-list", "GET"): page(),
    ("approvals:model-rollback", "GET"): page(ENGINEERS, 404),
    ("approvals:model-rollback", "POST"): page(NO_WAY_BACK, 404, 409, payload=BACK),
    ("approvals:request-bypass", "GET"): page({"emergency": 200, "*": 403}, 404, 403),
    ("approvals:request-bypass", "POST"): page({"emergency": 400, "*": 403}, 404, 403, payload=BYPASS),  # no password
    ("approvals:request-bypass-drop", "POST"): page({"emergency": 409, "*": 403}, 404, 403),  # nobody asked
    ("approvals:request-after-review", "GET"): page({"reviewer": 409, "*": 403}, 404, 403),  # not applied yet
    ("approvals:request-after-review", "POST"): page({"reviewer": 409, "*": 403}, 404, 403, payload=RATIFIED),
    ("approvals:request-recertify", "GET"): page({"reviewer": 409, "*": 403}, 404, 403),
    ("approvals:request-recertify", "POST"): page({"reviewer": 409, "*": 403}, 404, 403, payload=APPROVE),
    ("approvals:as-of", "GET"): page(200, 404, query="?model=churn"),
    ("approvals:as-of-csv", "GET"): page(200, 404, query="?model=churn"),
    ("approvals:as-of-json", "GET"): page(200, 404, query="?model=churn"),
    ("approvals:drift-list", "GET"): page(),
    ("approvals:drift-detail", "GET"): page(200, 404),
    ("approvals:drift-act", "POST"): page(SETTLERS, 404, 302, payload={"action": "revert", "reason": "Not agreed."}),
    ("approvals:alias-protect", "POST"): page(403, 403, 302, payload=PROTECT),
    ("approvals:alias-unprotect", "POST"): page(403, 403, 302, payload=PROTECT | {"alias": "champion"}),
    ("approvals:model-report", "GET"): page(200, 404),
    ("approvals:model-report-json", "GET"): page(200, 404),
    ("approvals:model-report-csv", "GET"): page(200, 404),
    ("api:model-report", "GET"): api(200, 404),
    ("compliance:matrix", "GET"): page(),
    ("compliance:matrix-csv", "GET"): page(),
    ("compliance:matrix-json", "GET"): page(),
    ("compliance:control-list", "GET"): page(),
    ("compliance:control-list", "POST"): page(403, 403, 302, payload={"control": "drift", **CONTROL}),
    ("compliance:hold-list", "GET"): page(),
    ("compliance:hold-list", "POST"): page({"admin": 302, "*": 403}, 404, 302, payload=HOLD),
    ("compliance:hold-lift", "POST"): page({"admin": 302, "*": 403}, 404, 302, payload={"reason": "Over."}),
    ("compliance:evidence", "GET"): page(200, 404),
    ("compliance:evidence", "POST"): page(200, 404),
    ("compliance:request-evidence", "POST"): page(200, 404),
    ("audit:event-list", "GET"): page(),
    ("audit:proof", "GET"): page(),
    ("audit:proof", "POST"): page(403, 403, 302),
    ("audit:access-list", "GET"): page(),
    ("audit:access-export", "GET"): page(),
    ("audit:event-detail", "GET"): page(200, 404),
    ("audit:export-jsonl", "GET"): page(),
    ("audit:export-csv", "GET"): page(),
    ("notifications:notification-list", "GET"): page(),
    ("notifications:notification-list", "POST"): page(302, 302, 302),
    ("notifications:preferences", "GET"): page(),
    ("notifications:preferences", "POST"): page(400, 400, 400),  # without a choice
    ("notifications:webhook-list", "GET"): page(403, 403),
    ("notifications:webhook-new", "GET"): page(403, 403),
    ("notifications:webhook-new", "POST"): page(403, 403, payload=WEBHOOK),  # the answer shows the secret
    ("notifications:webhook-detail", "GET"): page(403, 403),
    ("notifications:webhook-detail", "POST"): page(403, 403, 302, payload={"do": "disable"}),
    ("api:grant-list", "GET"): api(),
    ("api:grant-list", "POST"): api(403, 403, 201, payload=GIVE),
    ("api:grant-end", "POST"): api(403, 403, payload={"reason": "Over."}),
    ("api:access-review-list", "GET"): api(),
    ("api:access-review-list", "POST"): api(403, 403, 201, payload=CAMPAIGN),
    ("api:access-review-preview", "POST"): api(403, 403),
    ("api:access-review-waiting", "GET"): api(),
    ("api:access-review", "GET"): api(404, 404),
    ("api:access-review-items", "GET"): api(404, 404),
    ("api:access-review-decide", "POST"): api(404, 404, payload=ONE_ITEM | {"decision": "confirm"}),
    ("api:access-review-reassign", "POST"): api(404, 404, payload=ONE_ITEM | {"person": ""}),
    ("api:access-review-end", "POST"): api(404, 404, payload={"reason": "Over."}),
    ("api:access-review-cancel", "POST"): api(404, 404, payload={"reason": "Over."}),
    ("api:may", "GET"): api(200, 404, query="?permission=model:read&model=churn"),
    ("api:conflict-list", "GET"): api(403, 403),
    ("api:me", "GET"): api(),
    ("api:person-detail", "GET"): api(404, 404),  # somebody else
    ("api:person-tokens", "GET"): api(404, 404),
    ("api:token-list", "GET"): api(),
    ("api:token-list", "POST"): api(201, 201, 201, payload={"name": "laptop"}),
    ("api:token-detail", "DELETE"): api(404, 404, 200),  # somebody else's: an admin may end it,
    ("api:token-renew", "POST"): api(404, 404, 404),  # and learns its secret no more than others
    ("api:model-list", "GET"): api(),
    ("api:facets", "GET"): api(),
    ("api:view-list", "GET"): api(),
    ("api:view-list", "POST"): api(201, 201, 201, payload={"name": "Mine", "query": "q=x"}),
    ("api:view-detail", "GET"): api(),
    ("api:view-detail", "PATCH"): api(403, 403, 403, payload={"name": "Mine"}),  # only whoever saved it
    ("api:view-detail", "DELETE"): api(403, 403, 204),
    ("api:model-detail", "GET"): api(200, 404),
    ("api:version-list", "GET"): api(200, 404),
    ("api:version-detail", "GET"): api(200, 404),
    ("api:signature", "GET"): api(200, 404),
    ("api:check-data", "POST"): api(409, 404, 409, payload={"age": 1}),  # a signature without MLmodel says too little
    ("api:compare", "GET"): api(200, 404, query=COMPARED),
    ("api:metric-directions", "GET"): api(),
    ("api:metric-directions", "POST"): api(403, 403, 200, payload=DIRECTION),
    ("api:sync", "GET"): api(),
    ("api:sync", "POST"): api(403, 403, 202),
    ("api:sync-run", "GET"): api(403, 403, 404),  # there is no such sync
    ("api:sync-cancel", "POST"): api(403, 403, 404),
    ("api:connection-list", "GET"): api(403, 403),
    ("api:connection-list", "POST"): api(403, 403, 201, payload=CONNECTION),
    ("api:connection-detail", "GET"): api(403, 403),
    ("api:connection-detail", "PATCH"): api(403, 403, 409, payload={"timeout_seconds": 5}),  # the environment's
    ("api:connection-test", "POST"): api(403, 403),
    ("api:connection-webhook", "POST"): api(403, 403, 503),  # there is no MLflow behind this test
    ("api:connection-webhook", "DELETE"): api(403, 403, 409),  # none is registered
    ("api:request-list", "GET"): api(),
    ("api:request-list", "POST"): api(ASKED_API, 404, 201, payload={"model": "churn", "version": 2, **MOVE}),
    ("api:request-detail", "GET"): api(200, 404),
    ("api:review-list", "GET"): api(200, 404),
    ("api:review-list", "POST"): api({"reviewer": 201, "*": 403}, 404, 403, payload={"verdict": "approve", **APPROVE}),
    ("api:check-list", "GET"): api(200, 404),
    ("api:check-list", "POST"): api(ASKED_API, 404, 201, payload={"name": "lint", "outcome": "pass"}),
    ("api:waiver-list", "GET"): api(200, 404),
    ("api:waiver-list", "POST"): api({"reviewer": 409, "*": 403}, 404, 403, payload=WAIVER),
    ("api:waiver-revoke", "POST"): api(
        {"reviewer": 200, "*": 403}, 404, 403, payload={"reason": "It holds no longer."}
    ),
    ("api:request-detail", "PATCH"): api({**ASKERS_409, "*": 403}, 404, 409),
    ("api:request-bulk", "POST"): api(400, 400, 400),  # nothing to ask for
    ("api:request-bulk-review", "POST"): api(400, 400, 400),
    ("api:request-submit", "POST"): api({**ASKERS_409, "*": 403}, 404, 409),
    ("api:request-discard", "POST"): api({**ASKERS_409, "*": 403}, 404, 409),
    ("api:request-dismiss-objection", "POST"): api(NOTHING_YET, 404, 409, payload={"comment": "Settled."}),
    ("api:request-supersede", "POST"): api(NOTHING_YET, 404, 409),
    ("api:request-repin", "POST"): api({"admin": 403, "*": 403}, 404, 409, payload={"comment": "New rules."}),
    ("api:request-withdraw", "POST"): api(ENGINEERS, 404),
    ("api:request-retry", "POST"): api({"ml_engineer": 409, "admin": 409, "*": 403}, 404, 409),  # nothing failed yet
    ("api:policy-list", "GET"): api(),
    ("api:policy-list", "POST"): api(403, 403, 201, payload=POLICY),
    ("api:policy-detail", "GET"): api(404, 404),  # a draft
    ("api:policy-detail", "PATCH"): api(403, 403, payload={"wait_minutes": 5}),
    ("api:policy-detail", "DELETE"): api(403, 403, 204),
    ("api:policy-publish", "POST"): api(403, 403),
    ("api:policy-dry-run", "GET"): api(404, 404),
    ("api:freeze-list", "GET"): api(),
    ("api:freeze-list", "POST"): api(403, 403, 201, payload=FREEZE),
    ("api:freeze-lift", "POST"): api(403, 403, payload={"reason": "Over."}),
    ("api:condition-list", "GET"): api(200, 404),
    ("api:condition-meet", "POST"): api(403, 404, 403, payload={"note": "Done."}),  # somebody else's
    ("api:delegation-list", "GET"): api(),
    ("api:delegation-list", "POST"): api(400, 400, 400, payload={"delegate": "nobody", "ends_at": "2090-01-01T00:00Z"}),
    ("api:delegation-revoke", "POST"): api(404, 404, payload={"reason": "She is back."}),
    ("api:exceptions", "GET"): api(),
    ("api:after-review-list", "GET"): api(),
    ("api:recertification-list", "GET"): api(),
    ("api:model-rollback", "GET"): api(200, 404, query="?stage=Production"),
    ("api:model-rollback", "POST"): api(NO_WAY_BACK, 404, 409, payload=BACK),
    ("api:bypass-ask", "POST"): api({"emergency": 400, "*": 403}, 404, 403, payload=BYPASS),
    ("api:bypass-confirm", "POST"): api({"emergency": 409, "*": 403}, 404, 403, payload=CONFIRM),
    ("api:bypass-drop", "POST"): api({"emergency": 409, "*": 403}, 404, 403),
    ("api:after-review", "POST"): api(
        {"reviewer": 409, "*": 403},
        404,
        403,
        payload={"ratified": True, "comment": "Fine.", "evidence_digest": "{digest}"},
    ),
    ("api:recertify", "POST"): api({"reviewer": 409, "*": 403}, 404, 403, payload=APPROVE),
    ("api:drift-list", "GET"): api(),
    ("api:drift-detail", "GET"): api(200, 404),
    ("api:drift-accept", "POST"): api(
        {"reviewer": 200, "*": 403}, 404, 403, payload={"reason": "Agreed.", "found": "Production"}
    ),
    ("api:drift-revert", "POST"): api(REVERTERS, 404),
    ("api:drift-request", "POST"): api(ASKERS_API, 404, payload={"reason": "It works."}),
    ("api:gate", "GET"): api(200, 404, query=GATE),
    ("api:as-of", "GET"): api(200, 404, query="?model=churn"),
    ("api:compliance-matrix", "GET"): api(),
    ("api:compliance-counts", "GET"): api(),
    ("api:control-list", "GET"): api(),
    ("api:control-detail", "GET"): api(),
    ("api:control-detail", "PUT"): api(403, 403, payload=CONTROL),
    ("api:clause-list", "GET"): api(),
    ("api:card", "GET"): api(200, 404),
    ("api:card", "POST"): api(ASKERS_409 | {"*": 403}, 404, 409),  # there is one
    ("api:card", "PUT"): api(428, 404, 428),  # without If-Match
    ("api:card", "PATCH"): api(428, 404, 428),
    ("api:card-refresh", "POST"): api(428, 404, 428),
    ("api:card-compare", "GET"): api(200, 404),
    ("api:card-export", "GET"): api(200, 404),
    ("api:card-import-preview", "POST"): api(ASKERS_API, 404, payload=CARD_FILE),
    ("api:card-import", "POST"): api(428, 404, 428),  # without If-Match
    ("api:card-schema", "GET"): api(),
    ("api:card-step", "POST"): api(ASKERS_409 | {"*": 403}, 404, 409, payload=SUBMIT),  # another digest
    ("api:card-revision-list", "GET"): api(200, 404),
    ("api:card-revision", "GET"): api(200, 404),
    ("api:card-comment-list", "GET"): api(200, 404),
    ("api:card-comment-list", "POST"): api(ASKED_API | {"reviewer": 201}, 404, 201, payload=REMARK),
    ("api:card-comment-resolve", "POST"): api(ASKERS_API, 404),
    ("api:card-requirement-list", "GET"): api(),
    ("api:card-requirement-list", "POST"): api(403, 403, 201, payload=ASKS_MORE),
    ("api:card-requirement-current", "GET"): api(),
    ("api:card-requirement-set", "GET"): api(),
    ("api:hold-list", "GET"): api(),
    ("api:hold-list", "POST"): api(HOLDERS, 404, 201, payload=HOLD),
    ("api:hold-lift", "POST"): api({"admin": 200, "*": 403}, 404, payload={"reason": "Over."}),
    ("api:version-evidence", "POST"): api(200, 404),
    ("api:request-evidence", "POST"): api(200, 404),
    ("api:protected-alias-list", "GET"): api(),
    ("api:protected-alias-list", "POST"): api(403, 403, 201, payload=PROTECT),
    ("api:protected-alias-unprotect", "POST"): api(403, 403, 204, payload={"reason": "No longer served."}),
    ("api:notification-list", "GET"): api(),
    ("api:notifications-read", "POST"): api(),
    ("api:notification-preferences", "GET"): api(),
    ("api:notification-preferences", "PATCH"): api(payload={"digest_hour": 9}),
    ("api:webhook-list", "GET"): api(403, 403),
    ("api:webhook-list", "POST"): api(403, 403, 201, payload=WEBHOOK),
    ("api:webhook-detail", "GET"): api(403, 403),
    ("api:webhook-detail", "PATCH"): api(403, 403, payload={"enabled": False}),
    ("api:webhook-detail", "DELETE"): api(403, 403, 204),
    ("api:webhook-test", "POST"): api(403, 403),
    ("api:webhook-secret", "POST"): api(403, 403),
    ("api:webhook-resend", "POST"): api(403, 403),
    ("api:delivery-list", "GET"): api(403, 403),
    ("api:delivery-resend", "POST"): api(403, 403),
    ("api:event-list", "GET"): api(),
    ("api:event-detail", "GET"): api(200, 404),
    ("api:audit-keys", "GET"): public(),
    ("api:checkpoint-list", "GET"): api(),
    ("api:checkpoint-list", "POST"): api(403, 403, 201),
    ("api:access-list", "GET"): api(),
    ("api:audit-export-jsonl", "GET"): api(),
    ("api:audit-export-csv", "GET"): api(),
    ("api:schema", "GET"): api(),
    ("api:docs", "GET"): page(),
}


def addresses() -> list[str]:
    """Return the name of every address of the product."""
    return sorted(set(_names(get_resolver(), "")))


def _names(resolver: URLResolver, namespace: str) -> list[str]:
    names = []
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            names.append(namespace + (entry.name or f"unnamed {entry.pattern}"))
        else:
            names += _names(entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)
    return names


@pytest.fixture
def asked(alice, erin) -> ApprovalRequest:
    """The request that is asked about."""
    return ask(alice, erin)


@pytest.fixture
def persons(asked) -> dict[str, User | None]:
    """The people who ask."""
    return people_around(asked)


_signed_in: dict[User | None, Client] = {}  # once for all rows: what a request does to a session is undone with it


@pytest.fixture(scope="module")
def both(django_db_setup: None, django_db_blocker) -> Iterator[tuple[dict[str, User | None], ApprovalRequest]]:
    """The people who ask, and the request, built once: what each of them does is undone after its answer."""
    with django_db_blocker.unblock(), undone():
        asked = ask(member("alice", DATA_SCIENTIST), member("erin", REVIEWER))
        people = people_around(asked)
        for user in people.values():
            _signed_in[user] = Client()
            if user:
                _signed_in[user].force_login(user)
        yield people, asked
        _signed_in.clear()


def ask(alice: User, erin: User) -> ApprovalRequest:
    """Alice's request on the model that `granted` persons hold their role on, which has drifted too."""
    model = make_model("churn")
    first = make_version(model, 1, stage="Production")
    DriftFinding.objects.create(model=model, version=first, kind="stage", expected="Staging", found="Production")
    ProtectedAlias.objects.create(alias="champion", added_by="admin")
    SavedView.objects.create(owner=alice, name="Ours", query="q=churn", shared=True)
    version = make_version(model, 2, pictures=[PICTURE])
    for stage in ("Production", "Archived"):
        make_policy(stage)
    make_policy("Staging", state="draft", published_at=None, published_by="", drafted_by="ada")
    end = timezone.now() + timedelta(days=2)
    FreezeWindow.objects.create(name="Books", stage="Archived", starts_at=timezone.now(), ends_at=end)
    _webhook(alice)
    User.objects.create(username="robot", password="!", is_service=True)
    LegalHold.objects.create(model=model, reason="Case 3.", set_by=alice)
    soon = timezone.now() + timedelta(hours=1)
    ApiToken.objects.create(user=alice, name="laptop", prefix="3f9c02d41b7a", expires_at=soon)
    Invitation.objects.create(person=erin, digest=digest_of(INVITED), invited_by="admin", expires_at=soon)
    cards.start("churn", 2, by=alice)
    comments.add("churn", 2, section="use", body="Who is called?", by=alice)
    commenting.comment(version.pk, "Trained on May.", by=alice)
    asked = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    until = timezone.now() + timedelta(days=7)
    Waiver.objects.create(request=asked, check_name="description", reason="Known.", waived_by=alice, expires_at=until)
    Delegation.objects.create(delegator=erin, delegate=alice, starts_at=timezone.now(), ends_at=until)
    review = Review.objects.create(
        request=asked, requester=alice, reviewer=erin, counts_for=erin, verdict="approve", evidence_digest="0" * 64,
        standing=False,
    )  # fmt: skip
    onlookers = Group.objects.create(name="onlookers")
    held = Grant.objects.create(group=onlookers, role="viewer", scope="registry", reason="They look.", made_by="admin")
    campaign = AccessReview.objects.create(name="Yearly", opened_by="admin", due_at=until)
    AccessReviewItem.objects.create(
        review=campaign, grant=held, holder="onlookers", of_group=True, role="viewer", on="the whole registry",
        given_by="admin", given_at=timezone.now(), given_reason="They look.", answers="admin",
    )  # fmt: skip
    member("both", DATA_SCIENTIST, REVIEWER)
    Condition.objects.create(review=review, text="Check the drift report.", owner=alice, due_at=until)
    return asked


def _webhook(owner: User) -> None:
    """Where events are sent, this machine, which is not allowed; with a delivery that was given up."""
    url = "https://127.0.0.1:9/"
    endpoint = Endpoint.objects.create(name="chat", url=url, owner=owner, secret=seal(SECRET), secret_at=timezone.now())
    Delivery.objects.create(
        endpoint=endpoint, event_id=1, lane=0, message_id="m", payload={}, state="dead", next_at=timezone.now()
    )


def people_around(asked: ApprovalRequest) -> dict[str, User | None]:
    """Two persons per role, one who holds it on the requested model and one on another; an admin of all; nobody."""
    other = make_model("other")
    people: dict[str, User | None] = {}
    for role in ROLES.values():
        for kind, model in (("granted", asked.version.model), ("stranger", other)):
            group = Group.objects.create(name=f"{kind} {role.name}")
            grants.set_role(group, [role], model, model_class=RegisteredModel)
            people[f"{kind} {role.name}"] = user = User.objects.create_user(f"{kind}-{role.name}", password=PASSWORD)
            user.groups.add(group)
    return people | {"everywhere": member("everywhere", ADMIN), "nobody": None}


def address(name: str, request: ApprovalRequest, query: str = "") -> str:
    """Return the path of an address, about the requested model."""
    numbers = {"id": request.pk, "name": "churn", "number": request.version.number, "connection": "default", "run": 1,
               "alias": "champion", "place": 0, "account": 0, "text": INVITED, "control": "drift",
               "username": "alice", "step": "submit", "revision": 1, "key": 1, "set": 0, "form": "json",
               "section": "use", "kind": "registry.registeredmodel", "path": "nothing"}  # fmt: skip
    if name in ("api:event-detail", "audit:event-detail"):
        numbers["number"] = 1  # the event of the request
    if name == "accounts:person":
        numbers["person"] = User.objects.get(username="alice").pk
    if name == "accounts:group":
        numbers["group"] = Group.objects.get(name="onlookers").pk
    if ":token-" in name:
        numbers["prefix"] = ApiToken.objects.filter(user__username="alice").earliest("pk").prefix
    if name == "accounts:service-account":
        numbers["account"] = User.objects.get(username="robot").pk
    if ":view-" in name:
        numbers["view"] = SavedView.objects.get(name="Ours").pk
    if ":webhook-" in name or ":delivery-" in name:
        numbers |= {"endpoint": Endpoint.objects.get().pk, "delivery": Delivery.objects.get().pk}
    if ":waiver-revoke" in name:
        numbers["waiver"] = Waiver.objects.get().pk
    if ":delegation-" in name:
        numbers["id"] = Delegation.objects.get().pk
    if ":grant-end" in name:
        numbers["grant"] = Grant.objects.get(group__name="onlookers").pk
    if ":access-review" in name:
        numbers["review"] = AccessReview.objects.get(name="Yearly").pk
    if name == "approvals:comment-remove":
        numbers["id"] = VersionComment.objects.get().pk
    if ":condition-meet" in name:
        numbers["id"] = Condition.objects.get().pk
    if ":policy-" in name:
        numbers["id"] = ApprovalPolicy.objects.get(state="draft").pk
    if ":card-comment-resolve" in name:
        numbers["id"] = CardComment.objects.get().pk
    if ":freeze-" in name:
        numbers["id"] = FreezeWindow.objects.get().pk
    if name == "modelcards:resolve":
        numbers["comment"] = CardComment.objects.get().pk
    if ":hold-lift" in name:
        numbers["hold"] = LegalHold.objects.get().pk
    if ":drift-" in name:
        numbers["id"] = DriftFinding.objects.get().pk
    wanted = _arguments(get_resolver(), name)
    return reverse(name, kwargs={key: numbers[key] for key in wanted}) + query


def _arguments(resolver: URLResolver, name: str) -> list[str]:
    *namespaces, last = name.split(":")
    for namespace in namespaces:
        resolver = resolver.namespace_dict[namespace][1]
    return resolver.reverse_dict.getlist(last)[0][0][0][1]


def status(user: User | None, method: str, name: str, row: Row, request: ApprovalRequest) -> int:
    """Send the request as this person, and undo what it did."""
    client = Client()
    client.cookies.load({key: morsel.value for key, morsel in _signed_in[user].cookies.items()})
    payload = {
        key: value.replace("{digest}", request.evidence_digest) if isinstance(value, str) else value
        for key, value in row.payload.items()
    }
    content_type = {"content_type": "application/json"} if name.startswith("api:") else {}
    data = {"data": payload} if method != "GET" else {}
    with undone():
        send = getattr(client, method.lower())
        return send(address(name, request, row.query), **data, **content_type).status_code


@pytest.mark.parametrize(("name", "method"), TABLE, ids=lambda value: str(value))
def test_address_answers_each_person_as_the_table_says(db, name, method, both):
    persons, asked = both
    row = TABLE[name, method]
    assert {who: status(user, method, name, row, asked) for who, user in persons.items()} == row.expected()


def test_table_lists_every_address():
    assert sorted({name for name, _ in TABLE}) == addresses()


@pytest.mark.parametrize("name", addresses())
def test_methods_outside_the_table_are_refused(db, name, both):
    persons, asked = both
    others = [method for method in METHODS if (name, method) not in TABLE]
    empty = Row(0, 0, 0, 0)
    assert {method: status(persons["everywhere"], method, name, empty, asked) for method in others} == dict.fromkeys(
        others, 405
    )
