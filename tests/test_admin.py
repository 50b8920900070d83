"""Django's admin: every table of ours to be read by superusers, no way to change a row, and no secret on any page."""

import re
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection, models
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import ApiToken, Invitation, Session, SigningPass, User
from apps.accounts.services import create_token
from apps.audit.models import Access, AuditEvent, SigningKey
from apps.encryption import seal
from apps.jobs.models import Job
from apps.notifications.models import Endpoint
from apps.registry.models import Connection
from config.admin_site import ReadOnlyAdmin, site
from tests.accounts.test_authentication import bearer
from tests.browser import world as worlds
from tests.builders import make_model
from tests.conftest import PASSWORD, member

pytestmark = pytest.mark.once
SECRETS = (  # written down here anew, so that a rule that forgets one is noticed
    (User, "password"), (ApiToken, "digest"), (ApiToken, "old_digest"), (Session, "session_data"),
    (Invitation, "digest"), (SigningPass, "digest"), (Endpoint, "secret"), (Endpoint, "previous_secret"),
    (Connection, "secret"), (Connection, "webhook_secret"), (Connection, "username"), (SigningKey, "sealed"),
    (Job, "lease_token"),
)  # fmt: skip
LOOKS_SECRET = re.compile("pass|secret|token|digest|key|sealed|session|cred|private|auth|content|code")
KNOWN = {  # looks secret, and is none
    "accounts.session.session_key", "approvals.afterreview.evidence_digest",
    "approvals.approvalpolicy.tag_key",
    "approvals.approvalrequest.bypassed", "approvals.approvalrequest.evidence_digest",
    "approvals.bypass.evidence_digest", "approvals.evidencesnapshot.content", "approvals.versioncomment.author",
    "approvals.recertification.evidence_digest", "approvals.review.evidence_digest", "audit.access.key",
    "audit.access.token_name", "audit.access.token_prefix", "audit.auditevent.evidence_digest",
    "audit.auditevent.token_name", "audit.auditevent.token_prefix", "audit.checkpoint.key_id",
    "audit.publickey.key_id", "audit.publickey.public_key", "audit.signingkey.key_id", "jobs.job.key",
    "modelcards.cardcomment.author", "modelcards.cardrevision.author",
    "notifications.endpoint.secret_at", "notifications.preferences.digest_hour", "registry.connection.auth",
    "registry.connection.secret_at", "registry.modelversion.artifact_digest",
    "registry.registeredmodelgrouppermission.content_object", "registry.registeredmodeluserpermission.content_object",
}  # fmt: skip
ADMINS = sorted((admin for _app, admins in site.by_app() for admin in admins), key=lambda admin: admin.kind)
KINDS = [admin.kind for admin in ADMINS]


@pytest.fixture
def root(db) -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def rows_of(kind: str) -> str:
    return reverse("tables:rows", args=[kind])


def row_of(row: models.Model) -> str:
    return reverse("tables:row", args=[row._meta.label_lower, row.pk])


def paths() -> Iterator[str]:
    yield reverse("tables:index")
    for kind in KINDS:
        yield rows_of(kind)
        yield reverse("tables:row", args=[kind, 1])


# --- what is there ---


def test_every_table_of_ours_is_there_through_the_one_class():
    ours = {model for model in apps.get_models() if model.__module__.startswith("apps.")}
    assert set(site._registry) == ours | {Group}
    assert {type(admin) for admin in site._registry.values()} == {ReadOnlyAdmin}


def test_the_address_is_the_one_that_the_manual_names(root):
    answer = browser(root).get("/admin/")
    assert (answer.status_code, [kind for kind in KINDS if rows_of(kind) not in answer.content.decode()]) == (200, [])


# --- for whom ---


@pytest.mark.parametrize("who", ["admin", "alice", "mallory", "staff"])
def test_it_does_not_exist_for_others_not_even_for_staff(request, db, who):
    person = request.getfixturevalue(who) if who != "staff" else User.objects.create_user("staff", is_staff=True)
    client = browser(person)
    assert {client.get(path).status_code for path in paths()} == {404}


def test_whoever_is_signed_out_is_led_to_the_products_own_sign_in(db):
    answer = Client().get("/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/admin/")


@pytest.mark.parametrize("path", ["login/", "logout/", "password_change/", "jsi18n/", "autocomplete/", "r/1/1/"])
def test_none_of_djangos_own_doors_is_there(root, path):
    assert [
        Client().get(f"/admin/{path}").status_code in (302, 404),
        browser(root).get(f"/admin/{path}").status_code,
    ] == [
        True,
        404,
    ]


def test_no_token_opens_it(root):
    client = bearer(create_token("all", by=root, scope="admin").text)
    assert {client.get(path).status_code for path in ("/admin/", rows_of("accounts.user"))} == {302}


def test_a_superuser_who_is_shut_out_is_out(root):
    client = browser(root)
    User.objects.filter(pk=root.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302


# --- nothing is changed ---


@pytest.mark.parametrize("admin", ADMINS, ids=KINDS)
def test_nothing_may_be_added_changed_or_deleted_and_nothing_done_to_many(root, admin):
    asked = RequestFactory().get("/admin/")
    asked.user = root
    may = [admin.has_add_permission(asked), admin.has_change_permission(asked), admin.has_delete_permission(asked)]
    assert (may, admin.get_actions(asked), admin.has_view_permission(asked)) == ([False] * 3, {}, True)


@pytest.mark.parametrize("kind", KINDS)
def test_no_form_and_no_method_changes_a_row(root, kind):
    client, rows = browser(root), apps.get_model(kind)._base_manager
    before = rows.count()
    for path in (rows_of(kind), reverse("tables:row", args=[kind, 1])):
        sent = [
            getattr(client, method)(path, {"action": "delete_selected"})
            for method in ("post", "put", "patch", "delete")
        ]
        assert {answer.status_code for answer in sent} == {405}
    for more in ("add/", "1/change/", "1/delete/", "rows/1/change/", "rows/1/delete/", "rows/add/"):
        assert {client.get(rows_of(kind) + more).status_code, client.post(rows_of(kind) + more).status_code} <= {
            404,
            405,
        }
    assert rows.count() == before or kind == "audit.access"  # which notes what is not found
    assert b"<form" not in re.sub(rb"<details.*?</details>", b"", client.get(rows_of(kind)).content, flags=re.S)


def test_looking_changes_nothing_and_is_noted(root):
    client, row = browser(root), make_model("churn")
    events = AuditEvent.objects.count()
    client.get(row_of(row))
    noted = Access.objects.latest("id")
    assert (AuditEvent.objects.count(), noted.person, noted.route) == (events, "root", "tables:row")
    assert noted.object == f"kind registry.registeredmodel key {row.pk}"


# --- no secret is shown ---


@pytest.mark.parametrize(("model", "name"), SECRETS, ids=lambda part: getattr(part, "__name__", part))
def test_a_secret_column_is_neither_listed_nor_shown(model, name):
    admin = site.of_kind(model._meta.label_lower)
    assert (name in admin.hidden(), name in [field.name for field in (*admin.shown(), *admin.listed())]) == (
        True,
        False,
    )


def test_every_column_that_looks_secret_is_hidden_or_known_to_be_none():
    looks = {
        f"{admin.kind}.{field.name}"
        for admin in ADMINS
        for field in admin.shown()
        if LOOKS_SECRET.search(field.name) or isinstance(field, models.BinaryField)
    }
    assert looks == KNOWN


def test_no_page_of_a_full_house_shows_a_secret_of_it(root, django_db_blocker):
    world = worlds.build()
    told = create_token("all", by=world.people["alice"])
    Connection.objects.filter(pk="eu").update(
        secret=seal("sealed-secret"), username="svc-user-name", url="https://svc:pa55word@mlflow.example.org"
    )
    browser(world.people["alice"]).get("/account/")
    client, pages = browser(root), {}
    for admin in ADMINS:
        pages[admin.kind] = client.get(rows_of(admin.kind))
        for row in admin.model._base_manager.order_by("-pk")[:3]:
            pages[row_of(row)] = client.get(row_of(row))
    kept = {
        str(value)
        for model, name in SECRETS
        for value in model._base_manager.values_list(name, flat=True)
        if len(str(value or "")) > 8
    } | {told.text, told.text.split("_")[2], "pa55word"}
    assert {path: answer.status_code for path, answer in pages.items() if answer.status_code != 200} == {}
    texts = {path: answer.content.decode() for path, answer in pages.items()}
    assert [(path, word[:12]) for path, text in texts.items() for word in kept if word in text] == []


@pytest.mark.parametrize("query", ["digest__startswith=a", "password=x", "o=1", "q=x", "e=1", "_popup=1", "all="])
def test_no_question_about_a_hidden_column_is_answered(root, alice, query):
    create_token("ci", by=alice)
    client, path = browser(root), rows_of("accounts.apitoken")
    assert client.get(f"{path}?{query}").content.count(b"<tr>") == client.get(path).content.count(b"<tr>") == 2


# --- pages ---


def test_markup_in_a_row_is_text(root):
    row = make_model("<script>alert(1)</script>")
    for path in (rows_of("registry.registeredmodel"), row_of(row)):
        page = browser(root).get(path).content
        assert (b"<script>alert" in page, b"&lt;script&gt;alert" in page) == (False, True)


def test_a_row_leads_to_the_rows_that_it_refers_to(root, alice):
    token = create_token("ci", by=alice).token
    assert row_of(alice) in browser(root).get(row_of(token)).content.decode()


def test_the_next_page_goes_on_from_the_key(root, monkeypatch):
    monkeypatch.setattr("config.admin_pages.ROWS", 2)
    keys = [make_model(f"m{number}").pk for number in range(3)]
    path = rows_of("registry.registeredmodel")
    page = browser(root).get(path).content.decode()
    assert f"?before={keys[1]}" in page
    rest = browser(root).get(path, {"before": keys[1]}).content.decode()
    assert (row_of(type(make_model("x")).objects.get(pk=keys[0])) in rest, "Next" in rest) == (True, False)


@pytest.mark.parametrize("key", ["x", "-1", "99999999999999999999999", "%00", "1%2F2", "é" * 400])
@pytest.mark.parametrize("kind", ["registry.registeredmodel", "registry.connection", "accounts.session"])
def test_a_key_that_is_no_rows_is_not_found(root, kind, key):
    client = browser(root)
    assert client.get(f"{rows_of(kind)}rows/{key}/").status_code == 404
    assert client.get(f"{rows_of(kind)}?before={key}").status_code in (200, 404)


@pytest.mark.parametrize("kind", ["nothing", "auth.permission", "mfa.authenticator", "accounts.User", "%00", "a.b.c"])
def test_a_table_that_is_not_registered_is_not_found(root, kind):
    assert browser(root).get(f"/admin/{kind}/").status_code == 404


def test_a_list_asks_as_often_for_many_rows_as_for_one(root):
    counts = []
    for number in range(12):
        member(f"person{number}")
        Session.objects.create(
            session_key=f"k{number}", session_data="", person=root, started_at=timezone.now(), seen_at=timezone.now(),
            expire_date=timezone.now(),
        )  # fmt: skip
        if number in (0, 11):
            client = browser(root)
            with CaptureQueriesContext(connection) as made:
                client.get(rows_of("accounts.session"))
                client.get(rows_of("accounts.user"))
            counts.append(len(made))
    assert counts[0] == counts[1]
