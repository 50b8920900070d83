"""MLflow's own pages: who gets them, what a write must say, what a file may be, and that the guards are the same."""

import re

import pytest

from apps.approvals.models import ApprovalRequest
from apps.audit.models import Access, AuditEvent
from apps.registry.models import ModelVersion
from tests.builders import make_policy
from tests.gateway.pages.conftest import SAME_ORIGIN

pytestmark = [pytest.mark.mlflow, pytest.mark.django_db]
EXPERIMENTS = "ajax-api/2.0/mlflow/experiments"
VERSIONS = "ajax-api/2.0/mlflow/model-versions"
POLICY = {
    "default-src": "'none'",
    "script-src": "testserver/mlflow/static-files/",
    "style-src": "'unsafe-inline' testserver/mlflow/static-files/",
    "img-src": "testserver/mlflow/ data: blob:",
    "font-src": "data: testserver/mlflow/static-files/",
    "connect-src": "testserver/mlflow/",
    "manifest-src": "testserver/mlflow/static-files/",
    "worker-src": "testserver/mlflow/static-files/",
    "media-src": "blob:",
    "frame-src": "blob:",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
INERT = "default-src 'none'; sandbox"


def body(response) -> bytes:
    """Return a body, streamed or not."""
    return b"".join(response.streaming_content) if response.streaming else response.content


def run_of(name: str) -> str:
    return ModelVersion.objects.get(model__name=name, number=1).run_id


def test_page_and_its_build_are_passed_on_with_a_policy_of_their_own(registry, alice, ask):
    page = ask(alice, "GET", "")
    parts = (part.strip().partition(" ") for part in page.headers["Content-Security-Policy"].split(";"))
    script = re.search(r"static-files/static/js/main\.\w+\.js", page.content.decode()).group()
    built = ask(alice, "GET", script)
    assert {name: value for name, _, value in parts} == POLICY
    assert (page.status_code, page.headers["X-Frame-Options"], built.status_code) == (200, "DENY", 200)
    assert built.headers["Content-Type"].partition(";")[0] == "text/javascript"
    assert built.headers["Cache-Control"] == "private, max-age=2419200, immutable"
    assert len(body(built)) == int(built.headers["Content-Length"])


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page_or_told_in_json(registry, ask):
    page, asked = ask(None, "GET", ""), ask(None, "GET", f"{EXPERIMENTS}/get", experiment_id="0")
    assert (page.status_code, page.headers["Location"]) == (302, "/sign-in/?next=/mlflow/")
    assert (asked.status_code, asked.json()["error_code"]) == (401, "UNAUTHENTICATED")
    assert "WWW-Authenticate" not in asked.headers
    assert ask(None, "GET", "static-files/favicon.ico").status_code == 401


WHERE_FROM = [
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, 200),
    ({"Origin": "http://testserver"}, 200),
    ({"Referer": "http://testserver/mlflow/"}, 200),
    ({}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "none"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.test"}, 403),
    ({"Origin": "null", "Referer": "http://testserver/mlflow/"}, 403),
    ({"Origin": "http://testserver.evil.test"}, 403),
    ({"Origin": "http://testserver:81"}, 403),
    ({"Referer": "http://evil.test/?http://testserver/"}, 403),
    ({"Referer": "http://testserver@evil.test/"}, 403),
    ({"Referer": "http://["}, 403),
]


def test_a_write_must_come_from_our_own_pages(registry, alice, ask):
    def tag(number: int, headers: dict[str, str]) -> int:
        fields = {"experiment_id": "0", "key": f"k{number}", "value": "v"}
        return ask(alice, "POST", f"{EXPERIMENTS}/set-experiment-tag", headers=headers, **fields).status_code

    answers = [(headers, tag(number, headers)) for number, (headers, _) in enumerate(WHERE_FROM)]
    tags = registry.call("GET", "experiments/get", experiment_id="0")["experiment"].get("tags", [])
    taken = {f"k{number}" for number, (_, status) in enumerate(WHERE_FROM) if status == 200}
    assert (answers, {tag["key"] for tag in tags if tag["key"].startswith("k")}) == (WHERE_FROM, taken)


ELSEWHERE = [
    ("GET", "api/2.0/mlflow/experiments/get"),
    ("GET", "API/2.0/mlflow/experiments/get"),
    ("GET", "/ajax-api/2.0/mlflow/experiments/get"),
    ("GET", "ajax-api//2.0/mlflow/experiments/get"),
    ("GET", "ajax-api/2.0/mlflow/experiments/get/"),
    ("GET", "ajax-api/2.0/mlflow/../mlflow/experiments/get"),
    ("GET", "static-files/../ajax-api/2.0/mlflow/experiments/get"),
    ("GET", "static-files/%2e%2e/static-files/index.html"),
    ("GET", "static-files/..%2Findex.html"),
    ("GET", "health"),
    ("GET", "metrics"),
    ("POST", ""),
    ("POST", "version"),
    ("TRACE", "version"),
    ("GET", "v1/traces"),
    ("POST", "gateway/mlflow/v1/chat/completions"),
    ("POST", "ajax-api/2.0/mlflow/webhooks"),
    ("POST", "ajax-api/2.0/mlflow/gateway-proxy"),
    ("POST", "ajax-api/3.0/mlflow/assistant/message"),
    ("GET", "ajax-api/3.0/mlflow/assistant/sessions/1/stream"),
    ("POST", "ajax-api/3.0/mlflow/demo/generate"),
    ("GET", "ajax-api/2.0/mlflow/users/current"),
]


def test_what_is_no_part_of_the_pages_is_not_there(registry, admin, ask):
    answers = {(method, path): ask(admin, method, path).status_code for method, path in ELSEWHERE}
    assert {door: status for door, status in answers.items() if status not in (400, 404, 405)} == {}


def test_connections_that_stay_open_are_refused_in_words(registry, alice, ask):
    refused = ask(alice, "GET", "version", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    assert (refused.status_code, "WebSocket" in refused.json()["message"]) == (400, True)


def test_a_move_in_mlflows_pages_becomes_a_request(registry, bob, erin, ask):
    make_policy("Production")
    move = {"name": "churn", "version": "1", "stage": "Production", "archive_existing_versions": True}
    refused = ask(bob, "POST", f"{VERSIONS}/transition-stage", **move)
    request = ApprovalRequest.objects.get()
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert f"/requests/{request.pk}/" in refused.json()["message"]
    assert (request.requester.username, registry.stage_of("churn", 1)) == ("bob", "None")


def test_what_the_pages_write_obeys_the_guards_and_is_mirrored(registry, alice, charlie, ask):
    tag = {"name": "churn", "version": "1", "key": "team", "value": "retention"}
    refused = ask(charlie, "POST", f"{VERSIONS}/set-tag", **tag)
    done = ask(alice, "POST", f"{VERSIONS}/set-tag", **tag)
    assert (refused.status_code, done.status_code) == (403, 200)
    assert ModelVersion.objects.get(model__name="churn").tags["team"] == "retention"
    assert AuditEvent.objects.filter(action="version.changed").values_list("actor", flat=True).get() == "alice"


def test_who_may_read_one_model_sees_its_run_alone(registry, dana, ask):
    asked = {
        name: ask(dana, "GET", "ajax-api/2.0/mlflow/runs/get", run_id=run_of(name)) for name in ("churn", "secret")
    }
    files = {
        name: ask(dana, "GET", "get-artifact", run_id=run_of(name), path="model/MLmodel").status_code
        for name in ("churn", "secret")
    }
    assert {name: answer.status_code for name, answer in asked.items()} == {"churn": 200, "secret": 404}
    assert files == {"churn": 200, "secret": 404}
    assert asked["secret"].json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    noted = Access.objects.filter(person="dana").values_list("outcome", "status", "route", "object")
    assert set(noted) == {
        ("denied", 404, "mlflow:run.read", f"run {run_of('secret')}"),
        ("granted", 200, "mlflow:run.read", f"run {run_of('churn')}"),
    }


FILES = {
    "page.html": "application/octet-stream",
    "look.css": "application/octet-stream",
    "evil.js": "text/plain",
    "feed.xml": "text/plain",
    "rows.json": "text/plain",
    "plot.svg": "image/svg+xml",  # a picture runs nothing in a page, and opens as a file
}


def test_files_are_handed_out_as_what_no_page_can_run(registry, alice, ask):
    info, kinds, headers = registry.run(), {}, set()
    for path in FILES:
        registry.file(info, path, "<script>alert(1)</script>")
        answers = (
            ask(alice, "GET", "get-artifact", run_id=info["run_id"], path=path),
            ask(alice, "GET", f"ajax-api/2.0/mlflow-artifacts/artifacts/0/{info['run_id']}/artifacts/{path}"),
        )
        kinds[path] = {answer.headers["Content-Type"].partition(";")[0] for answer in answers}
        for answer in answers:
            names = ("Content-Security-Policy", "X-Content-Type-Options", "Cross-Origin-Resource-Policy")
            assert answer.headers["Content-Disposition"].startswith("attachment")
            headers.add((body(answer)[:8], *map(answer.headers.get, names)))
    assert (kinds, headers) == (
        {path: {kind} for path, kind in FILES.items()},
        {(b"<script>", INERT, "nosniff", "same-origin")},
    )


def test_a_file_sent_by_the_pages_is_kept_unless_its_version_is_bound(registry, alice, live_server):
    import httpx
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(alice)
    cookies = {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}
    free = registry.run()["run_id"]
    registry.stage("churn", 1, "Staging")
    ModelVersion.objects.filter(model__name="churn").update(stage="Staging")
    with httpx.Client(trust_env=False, timeout=60, cookies=cookies, headers=SAME_ORIGIN) as http:
        address = f"{live_server.url}/mlflow/ajax-api/2.0/mlflow/upload-artifact"
        sent = {
            run: http.post(address, params={"run_uuid": run, "path": "notes.txt"}, content=b"seen")
            for run in (free, run_of("churn"))
        }
    assert [answer.status_code for answer in sent.values()] == [200, 403]
