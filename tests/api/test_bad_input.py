"""What no sensible client sends to the API: 400 (or 413, 415) naming the field, never 500, and nothing changed."""

import json
from urllib.parse import quote_from_bytes, urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.roles import ADMIN, REVIEWER
from apps.approvals import services
from apps.approvals.models import ApprovalPolicy, ApprovalRequest, Review
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member

patient = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ASK = {"model": "churn", "version": 2, "to_stage": "Production", "reason": "Better."}
POLICY = {"stage": "Staging", "rules": [{"needed": 1}], "reason": "Start."}
FREEZE = {"name": "Books", "starts_at": "2090-12-20T00:00:00Z", "ends_at": "2091-01-02T00:00:00Z", "reason": "Close."}
REVIEW = {"verdict": "approve", "comment": "", "evidence_digest": "0" * 64}
CONNECTION = {"name": "eu", "url": "https://mlflow.example.org", "auth": "token", "username": "", "secret": "x",
              "verify_tls": True, "ca_certificates": "", "timeout_seconds": 5, "public_url": ""}  # fmt: skip
BODIES = {
    "/api/v1/connections/": CONNECTION,
    "/api/v1/grants/": {"group": "admins", "role": "viewer", "scope": "pattern", "value": "x*", "reason": "They look."},
    "/api/v1/grants/999999/end/": {"reason": "Over."},
    "/api/v1/connections/default/webhook/": {"url": "http://127.0.0.1/webhooks/mlflow/default/"},
    "/api/v1/sync/": {"connection": "default"},
    "/api/v1/notifications/read/": {"ids": [1]},
    "/api/v1/webhooks/": {"name": "chat", "url": "https://hooks.example.org/", "events": [], "models": []},
    "/api/v1/requests/": ASK,
    "/api/v1/policies/": POLICY,
    "/api/v1/policies/999999/publish/": {"reason": "", "digest": ""},
    "/api/v1/freezes/": FREEZE,
    "/api/v1/freezes/999999/lift/": {"reason": ""},
    "/api/v1/metric-directions/": {"metric": "epochs", "direction": "higher"},
    "/api/v1/requests/1/reviews/": REVIEW,
    "/api/v1/models/churn/versions/2/checks/": {"name": "lint", "outcome": "pass"},
    "/api/v1/requests/1/waivers/": {"check": "signature", "reason": "Known.", "days": 7},
    "/api/v1/delegations/": {"delegate": "bob", "ends_at": "2090-01-01T00:00:00Z"},
    "/api/v1/delegations/999999/revoke/": {"reason": ""},
    "/api/v1/conditions/999999/meet/": {"note": "Done."},
    "/api/v1/requests/1/withdraw/": {"comment": ""},
    "/api/v1/requests/1/bypass/": {"reason": "x", "ticket": "OPS-17", "password": "x", "evidence_digest": "0" * 64},
    "/api/v1/requests/1/bypass/confirm/": {"password": "x", "evidence_digest": "0" * 64},
    "/api/v1/requests/1/bypass/drop/": {"reason": ""},
    "/api/v1/requests/1/after-review/": {"ratified": True, "comment": "Fine.", "evidence_digest": "0" * 64},
    "/api/v1/requests/1/recertify/": {"evidence_digest": "0" * 64},
    "/api/v1/models/churn/rollback/": {"stage": "Production", "reason": "It scores nobody."},
    "/api/v1/requests/1/retry/": {"comment": ""},
}
NOT_AN_OBJECT = {
    "empty": b"",
    "broken": b'{"model": ',
    "list": b"[1, 2]",
    "text": b'"churn"',
    "number": b"7",
    "null": b"null",
    "not UTF-8": b'{"reason": "\xff\xfe"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "two values": b"{} {}",
    "NaN": b'{"version": NaN}',
    "5000 digits": b'{"version": ' + b"9" * 5000 + b"}",
    "deep list": b"[" * 100_000,
    "deep object": b'{"reason": ' * 60 + b"1" + b"}" * 60,
    "said twice": b'{"reason": "a", "reason": "b"}',
}
LISTS = ("models", "models/churn/versions", "requests", "requests/1/reviews", "requests/1/waivers",
         "requests/1/conditions", "delegations",
         "models/churn/versions/2/checks", "policies", "freezes", "metric-directions",
         "audit/events", "notifications")  # fmt: skip
READ = (*(f"{name}/" for name in LISTS), "models/churn/", "models/churn/versions/2/", "compare/", "me/", "sync/",
        "facets/", "views/", "views/1/",
        "connections/", "connections/default/", "notifications/preferences/", "webhooks/", "webhooks/1/",
        "webhooks/1/deliveries/",
        "requests/1/", "audit/events/1/")  # fmt: skip
NASTY = ("", "\0", "-1", "0", "1e9", "9" * 30, "٣", "None", "true", "%", "'", '"', "\\", "<script>", "a@b", "churn@",
         "@1", "churn@99999999999", "2026-02-30", "0001-01-01", "9999-12-31", "x" * 5000, "9" * 5000, "\ud800", "[]",
         "{}", "a=b=c", "=")  # fmt: skip
NAMES = ("q", "current", "stage", "alias", "tag", "owner", "risk", "no", "drift", "connection", "more", "cursor",
         "deleted", "ordering", "unread", "kind", "page", "page_size", "state", "model", "mine", "waiting",
         "base", "candidate", "action",
         "actor", "model_id", "outcome", "since", "until", "source", "target")  # fmt: skip
VALUES = st.sampled_from(NASTY) | st.text(max_size=20)
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES) | st.text(min_size=1, max_size=5), VALUES), max_size=4)
QUERIES = PAIRS.map(lambda pairs: urlencode(pairs, errors="surrogatepass")) | st.binary(max_size=30).map(
    lambda raw: quote_from_bytes(raw, safe="&=+%;")
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NASTY) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture
def asked(alice, erin) -> ApprovalRequest:
    """Request 1 by Alice, whatever number the sequence has come to."""
    model = make_model()
    make_version(model, 1, stage="Production")
    version = make_version(model, 2)
    make_policy()
    request = services.open_request(version.pk, "Production", reason="Better.", by=alice)
    ApprovalRequest.objects.filter(pk=request.pk).update(state="withdrawn", closed_at=request.created_at)
    return request


@pytest.fixture
def api(asked) -> Client:
    """Somebody who may do everything, so that only the input can be at fault."""
    client = Client()
    client.force_login(member("everybody", ADMIN, REVIEWER))
    return client


def numbered(path: str, asked: ApprovalRequest) -> str:
    return path.replace("requests/1/", f"requests/{asked.pk}/")


def problem(response) -> tuple[int, str, list[str]]:
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    return response.status_code, body["code"], sorted({error["field"] for error in body["errors"]})


def rows() -> tuple[int, int, int]:
    return ApprovalRequest.objects.count(), Review.objects.count(), ApprovalPolicy.objects.count()


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("body", [name for name in NOT_AN_OBJECT if name not in ("empty", "said twice")])
def test_body_that_is_no_object_is_refused_as_a_whole(api, asked, path, body):
    before = rows()
    answer = api.post(numbered(path, asked), NOT_AN_OBJECT[body], content_type="application/json")
    assert (problem(answer), rows()) == ((400, "invalid", ["body"]), before)


def test_name_said_twice_is_refused_by_name(api, asked):
    answer = api.post("/api/v1/requests/", NOT_AN_OBJECT["said twice"], content_type="application/json")
    assert problem(answer) == (400, "invalid", ["reason"])


def test_empty_body_names_every_field_that_is_needed(api, asked):
    answer = api.post("/api/v1/requests/", b"", content_type="application/json")
    assert problem(answer) == (400, "invalid", ["model", "reason", "version"])


@pytest.mark.parametrize("path", BODIES)
def test_body_of_ten_megabytes_is_refused(api, asked, path):
    body = b'{"reason": "' + b"x" * 10_000_000 + b'"}'
    answer = api.post(numbered(path, asked), body, content_type="application/json")
    assert problem(answer) == (413, "too_large", [])


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_body_that_does_not_call_itself_json_is_refused(api, asked, kind):
    assert problem(api.post("/api/v1/requests/", b"reason=x", content_type=kind))[:2] == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "a\0b"), ("model", ""), ("model", None), ("model", ["churn"]), ("model", {"name": "churn"}),
        ("model", True), ("model", "\ud800"), ("version", "two"), ("version", 0), ("version", -1), ("version", 2**31),
        ("version", 2**64), ("version", 10**40), ("version", 1.5), ("version", None), ("version", []),
        ("version", True), ("to_stage", "production"), ("to_stage", None), ("to_stage", ["Production"]),
        ("to_stage", {}), ("reason", ""), ("reason", "  "), ("reason", "a\0b"), ("reason", "x" * 5001),
        ("reason", "\ud800"), ("reason", ["a"]), ("reason", None), ("archive_existing", "perhaps"),
        ("archive_existing", []), ("archive_existing", {"a": 1}), ("extra", 1), ("EXTRA", None),
    ],
)  # fmt: skip
def test_request_names_the_malformed_field(api, asked, field, value):
    answer = api.post("/api/v1/requests/", json.dumps(ASK | {field: value}), content_type="application/json")
    assert (problem(answer), ApprovalRequest.objects.count()) == ((400, "invalid", [field]), 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stage", "Prod"), ("required_approvals", 1), ("group", "reviewers"), ("rules", 1), ("rules", []),
        ("rules", None), ("rules", [{"needed": 1}] * 11), ("wait_minutes", 2**64), ("wait_minutes", None),
        ("open_days", 0), ("tolerance_percent", "NaN"), ("tolerance_percent", 1001), ("required_checks", "signature"),
        ("required_checks", ["luck"]), ("risk", "a\0b"), ("alias", "champion"),
        ("alias", "v1"), ("moves_alias", "\ud800"), ("staleness", "x"), ("replaces", -1), ("digest", "x"),
        ("model", "nothing"), ("model", "a\0b"), ("model", "\ud800"),
        ("archive_existing", "x"), ("reason", ""), ("reason", "\0"), ("by", "admin"),
    ],
)  # fmt: skip
def test_policy_names_the_malformed_field(api, field, value):
    answer = api.post("/api/v1/policies/", json.dumps(POLICY | {field: value}), content_type="application/json")
    assert (problem(answer), ApprovalPolicy.objects.count()) == ((400, "invalid", [field]), 1)


@pytest.mark.parametrize(
    "rule",
    [
        {"needed": 0}, {"needed": 11}, {"needed": "many"}, {"needed": 2**64}, {"needed": None}, {}, {"group": "nobody"},
        {"group": 7}, {"group": "a\0b"}, {"group": ["reviewers"]}, {"group": {"a": 1}}, {"group": "\ud800"},
        {"name": "x" * 101}, {"name": "\0"}, {"scopes": ["moon"]}, {"scopes": "metrics"}, {"who": "bob"}, "1", None,
    ],
    ids=str,
)  # fmt: skip
def test_a_malformed_rule_is_named(api, rule):
    whole = {"needed": 1} | rule if isinstance(rule, dict) and rule else rule
    answer = api.post("/api/v1/policies/", json.dumps(POLICY | {"rules": [whole]}), content_type="application/json")
    status, code, fields = problem(answer)
    assert (status, code, [field.split(".")[0] for field in fields]) == (400, "invalid", ["rules"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("verdict", "maybe"), ("verdict", None), ("comment", "\0"), ("comment", "x" * 5001), ("comment", []),
     ("evidence_digest", "0" * 63), ("evidence_digest", "0" * 63 + "\n"), ("evidence_digest", 0), ("reviewer", "bob")],
)  # fmt: skip
def test_review_names_the_malformed_field(api, asked, field, value):
    path = f"/api/v1/requests/{asked.pk}/reviews/"
    answer = api.post(path, json.dumps(REVIEW | {field: value}), content_type="application/json")
    assert (problem(answer), Review.objects.count()) == ((400, "invalid", [field]), 0)


@pytest.mark.once(on="postgresql")  # beside SQLite, test_schema.py sends what the schema allows, and what it does not
@pytest.mark.parametrize("path", BODIES)
@patient
@given(data=st.data())
def test_no_json_is_too_strange(api, asked, path, data):
    """Any value in any field, or any value at all, is answered; the answer is never 500 (the client would raise)."""
    fields = st.fixed_dictionaries({}, optional=dict.fromkeys(BODIES[path], JSON))
    body = data.draw(fields.map(lambda drawn: BODIES[path] | drawn) | JSON)
    answer = api.post(numbered(path, asked), json.dumps(body), content_type="application/json")
    assert answer.status_code in (200, 201, 202, 204, 400, 403, 404, 409, 503)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("models/?page=0", "page"), ("models/?page=x", "page"), ("models/?page=99", "page"),
        ("models/?page=-1", "page"), (f"models/?page={'9' * 5000}", "page"), ("models/?page_size=0", "page_size"),
        ("models/?page_size=1001", "page_size"), (f"models/?page_size={'9' * 5000}", "page_size"),
        ("models/?page_size=²", "page_size"), ("models/?page=²", "page"), ("models/?stage=Prod", "stage"),
        ("models/?deleted=x", "deleted"), ("models/?q=%00", "q"), ("models/?tag=%00", "tag"),
        ("models/?ordering=id", "ordering"), ("models/?colour=red", "colour"), ("models/churn/?x=1", "x"),
        ("models/churn/versions/?stage=x", "stage"), ("models/churn/versions/?alias=%00", "alias"),
        ("models/churn/versions/2/?x=1", "x"), ("compare/?base=churn&candidate=churn@1", "base"),
        ("compare/?base=churn@1&candidate=churn@x", "candidate"), ("compare/?base=churn@1", "candidate"),
        ("compare/?base=churn@1" + "&candidate=churn@2" * 5, "candidate"), ("metric-directions/?x=1", "x"),
        ("compare/?base=a%00@1&candidate=churn@1", "base"), ("sync/?x=1", "x"), ("me/?x=1", "x"),
        ("requests/?state=done", "state"), ("requests/?mine=perhaps", "mine"),
        ("requests/?waiting=you", "waiting"), ("requests/?model=%00", "model"), ("requests/?page=2", "page"),
        ("policies/?x=1", "x"), ("freezes/?standing=perhaps", "standing"), ("audit/events/?since=yesterday", "since"),
        ("audit/events/?until=2026-02-30", "until"), ("audit/events/?since=2026-02-02&until=2026-02-01", "until"),
        ("audit/events/?model_id=x", "model_id"), (f"audit/events/?model_id={2**64}", "model_id"),
        ("audit/events/?action=eaten", "action"), ("audit/events/?actor=%00", "actor"),
        ("gate/?model=churn&version=1&target=x", "target"), ("gate/?model=a%00&version=1&target=Staging", "model"),
        ("as-of/?at=yesterday", "at"), ("as-of/?at=2026-02-30", "at"), ("as-of/?model=%00", "model"),
        ("as-of/?cursor=x", "cursor"), ("audit/events/?target=%00", "target"), ("audit/events/?outcome=x", "outcome"),
        ("audit/events/?source=x", "source"), ("notifications/?kind=x", "kind"),
        ("notifications/?unread=perhaps", "unread"), ("notifications/?x=1", "x"), ("webhooks/?x=1", "x"),
        ("notifications/preferences/?x=1", "x"),
    ],
)  # fmt: skip
def test_parameter_at_fault_is_named(api, query, field):
    assert problem(api.get(f"/api/v1/{query}")) == (400, "invalid", [field])


@pytest.mark.once(on="postgresql")
@pytest.mark.parametrize("path", READ)
@patient
@given(query=QUERIES)
def test_no_query_is_too_strange(api, asked, path, query):
    assert api.get(f"/api/v1/{numbered(path, asked)}?{query}").status_code in (200, 400, 404)


@pytest.mark.parametrize(
    "path",
    [
        "models/nothing/", "models/nothing/versions/", "models/churn/versions/9/", f"models/churn/versions/{2**64}/",
        f"models/churn/versions/{'9' * 4000}/", "models/%00/", "models/%FF/", "models/~/", "models/~41/", "models/a~2/",
        "models/%ED%A0%80/", "requests/999999/", f"requests/{2**64}/", f"requests/{'9' * 4000}/", "requests/x/",
        f"requests/{2**64}/reviews/", "audit/events/999999/", f"audit/events/{2**64}/", f"audit/events/{'9' * 5000}/",
        "webhooks/9/", f"webhooks/{2**64}/", f"webhooks/{2**64}/deliveries/",
        "compare/?base=churn@9&candidate=churn@1", "compare/?base=nothing@1&candidate=churn@1", "nothing/",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_a_problem(api, path):
    assert problem(api.get(f"/api/v1/{path}"))[:2] == (404, "not_found")


@pytest.mark.parametrize("path", ["reviews", "withdraw", "retry"])
@pytest.mark.parametrize("number", [0, 999_999, 2**63, 2**64, 10**30])
def test_acting_on_a_request_that_does_not_exist_is_a_problem(api, path, number):
    body = REVIEW if path == "reviews" else {}
    answer = api.post(f"/api/v1/requests/{number}/{path}/", body, content_type="application/json")
    assert problem(answer) == (404, "not_found", [])
