"""Connections: who may change them, what is refused and why, and that secrets go in and never come out."""

import json
import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.test import Client

from apps import encryption
from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible, WrongState
from apps.registry import connections
from apps.registry.connecting import probing, services
from apps.registry.models import Connection, RegisteredModel
from apps.registry.services import request_sync
from apps.registry.sync import synchronise
from tests.servers.broken import Reply, broken_server

URL = "https://mlflow.example.org"
TOKEN = "hush-hush-token-of-eu"
PEM = """-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUIsgKjhDSpkdQMqE3fO9WxlYH4yAwCgYIKoZIzj0EAwIw
"""


def make(admin, name: str = "eu", **values: Any) -> Connection:
    return services.create_connection(name, by=admin, **{"url": URL, **values})


def refused_field(call, *args, **kwargs) -> str | None:
    with pytest.raises((InvalidInput, Conflict)) as caught:
        call(*args, **kwargs)
    return caught.value.field


def test_a_new_connection_is_enabled_and_recorded(admin):
    made = make(admin, auth="token", secret=TOKEN, timeout_seconds=5)
    assert (made.enabled, made.created_by, connections.address(made)) == (True, "admin", URL)
    event = AuditEvent.objects.get(action="connection.added")
    assert (event.actor, event.target, event.data["after"]) == (
        "admin",
        "eu",
        {
            "url": URL, "auth": "token", "username": "", "verify_tls": True, "ca_certificates": "",
            "timeout_seconds": 5, "public_url": "", "enabled": True, "secret": "set",
        },
    )  # fmt: skip


def test_the_secret_is_sealed_and_opens_again(admin):
    made = make(admin, auth="token", secret=TOKEN)
    assert TOKEN not in made.secret
    assert encryption.unseal(made.secret) == TOKEN


@pytest.mark.parametrize(
    "name", ["default", "", "EU", "-eu", "eu-", "e u", "eu:x", "e" * 41, "é", "eu\n"], ids=lambda name: repr(name)
)
def test_a_name_that_cannot_stand_in_addresses_is_refused(admin, name):
    assert refused_field(make, admin, name) == "name"


def test_a_name_is_given_once(admin):
    make(admin)
    assert refused_field(make, admin) == "name"


@pytest.mark.parametrize(
    "url",
    ["", "mlflow", "ftp://mlflow", "file:///etc/passwd", "https://", "https://a b", "http://user:hush@mlflow",
     "https://mlflow?x=1", "https://mlflow#x", "https://mlflow:0", "https://mlflow:99999", "http://[::1",
     "https://mlflow/" + "x" * 500, "javascript:alert(1)", "https://mlflow/?"],
)  # fmt: skip
def test_an_address_that_is_no_server_is_refused(admin, url):
    assert refused_field(make, admin, url=url) == "url"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("auth", {"auth": "kerberos"}),
        ("auth", {"auth": "none", "secret": TOKEN}),
        ("secret", {"auth": "token"}),
        ("secret", {"auth": "token", "secret": "two\nlines"}),
        ("secret", {"auth": "token", "secret": "schlüssel"}),
        ("username", {"auth": "password", "secret": TOKEN}),
        ("username", {"auth": "password", "secret": TOKEN, "username": "a:b"}),
        ("timeout_seconds", {"timeout_seconds": 0}),
        ("timeout_seconds", {"timeout_seconds": 121}),
        ("timeout_seconds", {"timeout_seconds": float("nan")}),
        ("ca_certificates", {"ca_certificates": "no certificate"}),
        ("ca_certificates", {"ca_certificates": PEM + "-----END CERTIFICATE-----"}),
        ("ca_certificates", {"ca_certificates": "-----BEGIN PRIVATE KEY-----"}),
        ("public_url", {"public_url": "javascript:alert(1)"}),
    ],
)
def test_a_refusal_names_its_field(admin, field, values):
    assert refused_field(make, admin, **values) == field
    assert Connection.objects.filter(pk="eu").count() == 0


def test_refusals_are_recorded(admin, bob):
    with pytest.raises(NotAllowed):
        make(bob)
    with pytest.raises(InvalidInput):
        make(admin, url="ftp://mlflow")
    events = AuditEvent.objects.filter(action="connection.added").order_by("id")
    assert list(events.values_list("actor", "outcome")) == [("bob", "refused"), ("admin", "refused")]


def test_a_change_records_before_and_after(admin):
    make(admin)
    services.change_connection("eu", by=admin, timeout_seconds=30, enabled=False)
    data = AuditEvent.objects.get(action="connection.changed").data
    changed = {key for key in data["before"] if data["before"][key] != data["after"][key]}
    assert changed == {"timeout_seconds", "enabled"}


def test_a_replaced_secret_is_recorded_as_replaced(admin):
    make(admin, auth="token", secret=TOKEN)
    services.change_connection("eu", by=admin, secret="another")
    data = AuditEvent.objects.get(action="connection.changed").data
    assert (data["before"]["secret"], data["after"]["secret"]) == ("set", "replaced")
    assert encryption.unseal(Connection.objects.get(pk="eu").secret) == "another"


def test_no_sign_in_removes_the_secret(admin):
    make(admin, auth="token", secret=TOKEN)
    changed = services.change_connection("eu", by=admin, auth="none")
    assert (changed.secret, changed.secret_at) == ("", None)


def test_a_change_of_nothing_is_not_recorded(admin):
    make(admin)
    services.change_connection("eu", by=admin, url=URL, enabled=True)
    assert AuditEvent.objects.filter(action="connection.changed").count() == 0


@pytest.mark.parametrize("url", ["https://evil.example.org", "http://mlflow.example.org", f"{URL}:8443"])
def test_a_kept_secret_is_not_sent_to_another_server(admin, url):
    make(admin, auth="token", secret=TOKEN)
    assert refused_field(services.change_connection, "eu", by=admin, url=url) == "secret"
    assert services.change_connection("eu", by=admin, url=url, secret="another").url == url


def test_a_kept_secret_stays_with_another_path_of_the_same_server(admin):
    make(admin, auth="token", secret=TOKEN)
    changed = services.change_connection("eu", by=admin, url=f"{URL}:443/mlflow/")
    assert (changed.url, encryption.unseal(changed.secret)) == (f"{URL}:443/mlflow", TOKEN)


def test_of_two_admins_at_once_the_second_is_told(admin):
    seen = services.revision_of(make(admin))
    services.change_connection("eu", by=admin, timeout_seconds=30, revision=seen)
    with pytest.raises(Conflict):
        services.change_connection("eu", by=admin, timeout_seconds=20, revision=seen)
    assert Connection.objects.get(pk="eu").timeout_seconds == 30


def test_the_default_connection_is_the_environments(admin):
    with pytest.raises(WrongState):
        services.change_connection("default", by=admin, enabled=False)


def test_what_is_not_there_cannot_be_changed(admin):
    with pytest.raises(NotVisible):
        services.change_connection("eu", by=admin, enabled=False)


def test_a_disabled_connection_is_not_synced(admin):
    make(admin)
    services.change_connection("eu", by=admin, enabled=False)
    with pytest.raises(WrongState):
        request_sync(by=admin, connection="eu")
    assert [row.name for row in connections.enabled()] == ["default"]


@pytest.mark.mlflow
def test_a_test_says_what_it_found(admin, mlflow_registry):
    mlflow_registry.model("churn")
    make(admin, url=mlflow_registry.url)
    probe = probing.test_connection("eu", by=admin)
    assert (probe.ok, probe.version) == (True, "3.17.2")
    assert probe.sentence == "MLflow 3.17.2 answers and lets Assent in. It lists 1 model."


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(b"no", 403, "text/plain"), "MLflow refused access (403)."),
        (Reply(b"secret page", 500), "MLflow answered with error 500."),
        (Reply(b"", 302, headers={"Location": "http://127.0.0.1:9/"}), "answers with a redirect (302)"),
        (Reply(b"3.17.2"), "cannot be understood"),
    ],
)
def test_a_test_says_what_went_wrong(admin, broken, reply, said):
    broken.always(reply)
    make(admin, url=broken.url)
    probe = probing.test_connection("eu", by=admin)
    assert (probe.ok, said in probe.sentence, "secret page" in probe.sentence) == (False, True, False)


def test_a_test_names_a_server_without_tls(admin, broken):
    make(admin, url=broken.url.replace("http:", "https:"))
    assert "but not with TLS" in probing.test_connection("eu", by=admin).sentence


def test_a_test_names_a_server_that_is_not_there(admin):
    make(admin, url="http://127.0.0.1:9")
    assert probing.test_connection("eu", by=admin).sentence.startswith("MLflow cannot be reached")


def test_a_secret_that_no_key_opens_is_asked_for_again(admin, settings):
    make(admin, auth="token", secret=TOKEN)
    settings.ENCRYPTION_KEYS = ["another key"]
    assert "Enter it anew" in probing.test_connection("eu", by=admin).sentence


@pytest.mark.mlflow
def test_models_of_a_second_server_are_mirrored_under_its_name(admin, mlflow_registry):
    mlflow_registry.version(mlflow_registry.model("churn"))
    make(admin, url=mlflow_registry.url)
    for name in ("default", "eu"):
        synchronise(requested_by="test", connection=name)
    found = RegisteredModel.objects.order_by("connection")
    assert [(row.reference, row.versions.count()) for row in found] == [("churn", 1), ("eu:churn", 1)]


def test_the_token_is_on_no_page_in_no_answer_and_in_no_log(admin, broken, caplog):
    broken.always(Reply(b"no", 401, "text/plain"))
    caplog.set_level(logging.DEBUG)
    client = Client()
    client.force_login(admin)
    body = {"name": "eu", "url": broken.url, "auth": "token", "secret": TOKEN}
    said = [client.post("/api/v1/connections/", body, content_type="application/json")]
    said.append(client.post("/connections/eu/", {"do": "test"}, follow=True))
    said.append(client.post("/connections/eu/", {"do": "save", "url": "ftp://x", "auth": "token", "secret": TOKEN}))
    said.append(client.post("/connections/new/", {"name": "default", "auth": "token", "secret": TOKEN}))
    said.append(client.post("/api/v1/connections/eu/test/"))
    pages = ["/connections/", "/connections/eu/", "/sync/", "/audit/", "/api/v1/connections/", "/api/v1/sync/",
             "/api/v1/connections/eu/", "/api/v1/audit/events/"]  # fmt: skip
    said += [client.get(page) for page in pages]
    trail = json.dumps(list(AuditEvent.objects.values_list("data", "reason", "target")))
    sealed = Connection.objects.get(pk="eu").secret
    texts = [*(answer.content.decode() for answer in said), caplog.text, trail]
    assert [secret for secret in (TOKEN, sealed) for text in texts if secret in text] == []


def test_the_page_of_the_environments_connection_hides_its_credentials(admin, client, settings):
    settings.MLFLOW_BACKEND_URL = "http://user:hush@mlflow.example.org/prefix"
    client.force_login(admin)
    page = client.get("/connections/default/").content.decode()
    assert ("hush" in page, "http://mlflow.example.org/prefix" in page) == (False, True)


def test_a_refused_form_keeps_what_was_typed_except_the_secret(admin, client):
    make(admin)
    client.force_login(admin)
    typed = {"do": "save", "url": "ftp://mlflow", "auth": "token", "secret": TOKEN, "timeout_seconds": "7"}
    answer = client.post("/connections/eu/", typed)
    page = answer.content.decode()
    assert (answer.status_code, 'value="ftp://mlflow"' in page, TOKEN in page) == (400, True, False)


def test_the_api_changes_what_it_is_given_and_nothing_else(admin, client):
    make(admin, auth="token", secret=TOKEN)
    client.force_login(admin)
    read = client.get("/api/v1/connections/eu/").json()
    body = {"timeout_seconds": 20, "revision": read["revision"]}
    changed = client.patch("/api/v1/connections/eu/", body, content_type="application/json").json()
    different = {key for key in read if read[key] != changed[key]}
    assert (different, encryption.unseal(Connection.objects.get(pk="eu").secret)) == (
        {"timeout_seconds", "revision"},
        TOKEN,
    )


def test_the_api_refuses_a_field_that_it_does_not_know(admin, client):
    client.force_login(admin)
    body = {"name": "eu", "url": URL, "password": TOKEN}
    answer = client.post("/api/v1/connections/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "password")


@dataclass
class Tls:
    """A server with a certificate that its own authority signed, in this case itself."""

    url: str
    certificate: str  # PEM


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> Iterator[Tls]:
    """A server that speaks TLS and answers as an MLflow without models."""
    certificate, key = self_signed()
    files = tmp_path_factory.mktemp("tls")
    (files / "cert.pem").write_text(certificate)
    (files / "key.pem").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "cert.pem", files / "key.pem")
    with broken_server(context) as server:
        server.decide = lambda path, query: Reply(b"3.17.2") if path == "/version" else Reply()
        yield Tls(server.url.replace("http:", "https:"), certificate)


def test_a_certificate_of_an_unknown_authority_is_not_trusted(admin, tls):
    make(admin, url=tls.url)
    sentence = probing.test_connection("eu", by=admin).sentence
    assert sentence == (
        "MLflow's certificate is not trusted: self-signed certificate. "
        "Add the certificate of its authority to the connection."
    )


@pytest.mark.parametrize("trusting", ["the authority", "everybody"])
def test_a_certificate_is_trusted_by_its_authority_or_unchecked(admin, tls, trusting):
    values = {"ca_certificates": tls.certificate} if trusting == "the authority" else {"verify_tls": False}
    make(admin, url=tls.url, **values)
    assert probing.test_connection("eu", by=admin).ok is True


def test_an_authority_of_ones_own_is_kept_as_it_was_pasted(admin, tls):
    made = make(admin, ca_certificates=tls.certificate.replace("\n", "\r\n"))
    assert made.ca_certificates == tls.certificate
    after = AuditEvent.objects.get(action="connection.added").data["after"]
    assert after["ca_certificates"].startswith("sha256:")


def self_signed() -> tuple[str, bytes]:
    """Return a certificate for 127.0.0.1, and its key, as PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Our authority")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    addresses = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    signed = built.add_extension(addresses, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return signed.public_bytes(pem).decode(), private
