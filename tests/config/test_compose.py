"""docker-compose.yml without containers: its commands exist, its environment is accepted, its MLflow runs."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.servers.compose import OPTIONAL, ROOT, SERVICES, TEXT, VARIABLE, environment

pytestmark = pytest.mark.once


def program(service: str) -> str | None:
    return shutil.which(SERVICES[service]["command"][0], path=environment(service)["PATH"])


def test_the_services_are_the_documented_ones():
    assert sorted(SERVICES) == ["beat", "migrate", "mlflow", "postgres", "redis", "web", "worker"]


@pytest.mark.parametrize("service", ["web", "worker", "beat", "migrate", "mlflow"])
def test_every_command_is_a_program_of_the_environment(service):
    assert program(service) is not None


def test_the_web_server_accepts_its_command_line(tmp_path):
    command = [*SERVICES["web"]["command"], "--check-config"]
    ended = subprocess.run(command, cwd=ROOT, env=environment("web", ASSENT_DATA_DIR=str(tmp_path)), check=False)
    assert ended.returncode == 0


@pytest.mark.parametrize("service", ["worker", "beat"])
def test_celery_accepts_the_command_line(service, tmp_path):
    command = [*SERVICES[service]["command"], "--help"]
    env = environment(service, ASSENT_DATA_DIR=str(tmp_path))
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False)
    assert ended.returncode == 0


def test_production_mode_accepts_the_environment(tmp_path):
    show = "from config import settings as s; print(s.MODE, s.DATABASES['default']['HOST'], s.CELERY_BROKER_URL)"
    env = environment("web", ASSENT_DATA_DIR=str(tmp_path))
    shown = subprocess.run([sys.executable, "-c", show], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert shown.stdout == "production postgres redis://:example@redis:6379/0\n"


def test_no_variable_has_a_default_other_than_nothing_but_the_number_of_proxies():
    assert re.findall(r"\$\{[^}]*:?-[^}]+\}|\$\{\w+\}", TEXT) == ["${ASSENT_PROXIES:-1}"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "1 3000 30"),
        ({"ASSENT_PROXIES": "2"}, "2 3000 30"),
        ({"ASSENT_PROXIES": "0"}, "0 0 0"),
    ],
    ids=["as shipped", "two proxies", "none that tells the address"],
)
def test_requests_are_limited_per_address_as_it_is_shipped(tmp_path, given, expected):
    show = "from config import settings as s; r = s.RATES_PER_MINUTE; print(s.PROXIES, r['address'], r['sign-in'])"
    env = environment("web", given, ASSENT_DATA_DIR=str(tmp_path))
    shown = subprocess.run([sys.executable, "-c", show], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert shown.stdout == expected + "\n"


def test_every_variable_is_in_the_example_and_empty_there():
    wanted = {found[1] for found in VARIABLE.finditer(TEXT)}
    example = dict(
        line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#"
    )
    assert example == dict.fromkeys(wanted, "")


def test_every_documented_setting_is_passed_on_or_said_to_be_fixed():
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text.split("## Settings\n")[1].split("\n## ")[0]
    documented = {name for row in re.findall(r"^\| (`[^|]*) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)}
    fixed = set(re.findall(r"`(\w+)`", text.split("which the file itself fixes:")[1].split("\n\n")[0]))
    passed = {name for name, value in SERVICES["web"]["environment"].items() if f"${{{name}:" in value}
    assert (sorted(passed | fixed), passed & fixed) == (sorted(documented), set())


LOOK = """
from config import settings
print(sorted((name, str(value)) for name, value in vars(settings).items() if name.isupper()))
"""


def settings_of(env: dict[str, str]) -> str:
    shown = subprocess.run([sys.executable, "-c", LOOK], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return shown.stdout


def test_an_optional_variable_that_is_empty_is_as_one_that_is_not_set(tmp_path):
    passed = environment("web", ASSENT_DATA_DIR=str(tmp_path))
    unset = {name: value for name, value in passed.items() if value}
    assert len(unset) == len(passed) - len(OPTIONAL)
    assert settings_of(passed) == settings_of(unset)


def test_what_is_given_arrives(tmp_path):
    given = {
        "ASSENT_OIDC_ISSUER": "https://login.example.org", "ASSENT_OIDC_CLIENT_ID": "assent",
        "ASSENT_OIDC_GROUPS": '{"ml-reviewers": "reviewers"}', "ASSENT_PROXIES": "2", "ASSENT_SIGN_WITH_FACTOR": "true",
    }  # fmt: skip
    found = settings_of(environment("web", given, ASSENT_DATA_DIR=str(tmp_path)))
    for name, value in {
        "OIDC_ISSUER": "https://login.example.org", "OIDC_GROUPS": "{'ml-reviewers': 'reviewers'}", "PROXIES": "2",
        "SIGN_WITH_FACTOR": "True",
    }.items():  # fmt: skip
        assert str((name, value)) in found


def test_only_the_web_service_is_published_and_to_this_machine_alone():
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["127.0.0.1:8000:8000"]
    }


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"migrate"}))
def test_every_lasting_service_has_a_health_check(service):
    assert "test" in SERVICES[service]["healthcheck"]


@pytest.fixture(scope="module")
def web(tmp_path_factory) -> Iterator[int]:
    """The port of the web service, started by its command with its environment on collected static files."""
    folder, port = tmp_path_factory.mktemp("web"), free_port()
    env = environment(
        "web",
        ASSENT_DATA_DIR=str(folder),
        ASSENT_STATIC_ROOT=str(folder / "static"),
        DATABASE_URL=f"sqlite:///{folder / 'web.sqlite3'}",
    )
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, cwd=ROOT, env=env, check=True)
    command = [f"127.0.0.1:{port}" if word == "0.0.0.0:8000" else word for word in SERVICES["web"]["command"]]
    with running(command, cwd=ROOT, env=env):
        wait_for(port, "/healthz", "assent.test")
        yield port


def test_the_web_server_passes_its_own_health_check(web):
    check = [word.replace(":8000", f":{web}") for word in SERVICES["web"]["healthcheck"]["test"][1:]]
    ended = subprocess.run([sys.executable, *check[1:]], cwd=ROOT, env=environment("web"), check=False)
    assert (check[0], ended.returncode) == ("python", 0)


def test_pages_link_static_files_that_are_named_by_content_and_kept(web):
    with ask(web, "/sign-in/", "assent.test") as page:
        link = re.search(r'href="(/static/css/base\.\w{12}\.css)"', page.read().decode())[1]
    with ask(web, link, "assent.test") as style:
        assert (style.status, style.headers["Cache-Control"]) == (200, "max-age=315360000, public, immutable")


def test_cookies_are_for_https_alone(web):
    with ask(web, "/sign-in/", "assent.test") as page:
        assert "; Secure" in page.headers["Set-Cookie"]
        assert page.headers["Set-Cookie"].startswith("__Host-csrftoken=")
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.mlflow
@pytest.mark.skipif(
    "TEST_MLFLOW_URL" in os.environ, reason="TEST_MLFLOW_URL: that MLflow was not started by our command"
)
@pytest.mark.parametrize(("host", "answer"), [("mlflow:5000", 200), ("evil.test", 403)])
def test_the_mlflow_of_the_service_answers_to_its_name_in_the_network(mlflow_server, host, answer):
    """The session's server was started by the service's command with its environment."""
    port = urlsplit(mlflow_server).port
    assert status(port, "/api/2.0/mlflow/experiments/get?experiment_id=0", host) == answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(command: list[str], *, cwd: Path, env: dict[str, str]) -> Iterator[None]:
    """Run a service quietly, and end it with its children."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, cwd=cwd, env=env, start_new_session=True, **quiet)
    try:
        yield
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def wait_for(port: int, path: str, host: str) -> None:
    """Wait until the service answers well."""
    deadline = time.monotonic() + 120
    while status(port, path, host) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ask(port: int, path: str, host: str) -> HTTPResponse:
    """Ask as the proxy in front does, under the name of `host`."""
    headers = {"Host": host, "X-Forwarded-Proto": "https"}
    return urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers), timeout=10)


def status(port: int, path: str, host: str) -> int:
    """Return the HTTP status; 0 when nobody answers yet."""
    try:
        with ask(port, path, host) as response:
            return response.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0
