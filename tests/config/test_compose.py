"""docker-compose.yml without containers: its commands exist, its environment is accepted, its MLflow runs."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = ("web", "worker", "beat", "migrate", "mlflow")
GIVEN = {
    "ASSENT_SECRET_KEY": secrets.token_urlsafe(64),
    "ASSENT_ALLOWED_HOSTS": "assent.test",
    "ASSENT_TRUSTED_ORIGINS": "https://assent.test",
    "POSTGRES_PASSWORD": "example",
    "REDIS_PASSWORD": "example",
}
VARIABLE = re.compile(r"\$\{(\w+)(?::\?([^}]*))?\}")
BIN = Path(sys.executable).parent


def environment(service: str, **change: str) -> dict[str, str]:
    """The service's environment, filled in as .env would, with this machine's PATH."""
    filled = {
        name: VARIABLE.sub(lambda found: GIVEN[found[1]], text)
        for name, text in SERVICES[service]["environment"].items()
    }
    return {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/"), **filled, **change}


def program(service: str) -> str | None:
    return shutil.which(SERVICES[service]["command"][0], path=f"{BIN}{os.pathsep}{os.environ['PATH']}")


def test_the_services_are_the_documented_ones():
    assert sorted(SERVICES) == ["beat", "migrate", "mlflow", "postgres", "redis", "web", "worker"]


@pytest.mark.parametrize("service", OURS)
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


def test_no_variable_has_a_default():
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"\$\{[^}]*:?-[^}]*\}|\$\{\w+\}", text) == []


def test_every_variable_is_in_the_example_and_empty_there():
    wanted = {name for name, _ in VARIABLE.findall((ROOT / "docker-compose.yml").read_text())}
    example = dict(
        line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line[:1] not in "#"
    )
    assert example == dict.fromkeys(wanted, "")


def test_only_the_web_service_is_published_and_to_this_machine_alone():
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["127.0.0.1:8000:8000"]
    }


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"migrate"}))
def test_every_lasting_service_has_a_health_check(service):
    assert "test" in SERVICES[service]["healthcheck"]


@pytest.mark.mlflow
def test_the_mlflow_command_starts_and_answers_to_its_name_in_the_network(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = environment(
        "mlflow",
        MLFLOW_HOST="127.0.0.1",
        MLFLOW_PORT=str(port),
        MLFLOW_BACKEND_STORE_URI=f"sqlite:///{tmp_path / 'mlflow.db'}",
        MLFLOW_ARTIFACTS_DESTINATION=str(tmp_path / "artifacts"),
    )
    server = subprocess.Popen(
        SERVICES["mlflow"]["command"], cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert statuses(port, ["mlflow:5000", "evil.test"]) == [200, 403]
    finally:
        server.terminate()
        server.wait()


def statuses(port: int, hosts: list[str]) -> list[int]:
    """Wait for MLflow, then ask a real question under each host name."""
    deadline = time.monotonic() + 120
    while not _ask(port, "/health", "mlflow:5000"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return [_ask(port, "/api/2.0/mlflow/experiments/get?experiment_id=0", host) for host in hosts]


def _ask(port: int, path: str, host: str) -> int:
    """Return the HTTP status; 0 when nobody answers yet."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0
