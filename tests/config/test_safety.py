"""What production mode refuses, as an operator meets it: a process that does not start, and says why."""

import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]
GOOD_KEY = secrets.token_urlsafe(64)
SAFE = {"ASSENT_MODE": "production", "ASSENT_SECRET_KEY": GOOD_KEY, "ASSENT_ALLOWED_HOSTS": "assent.test"}
SHOW = "from config import settings; print('started', settings.DEBUG)"


def start(data: Path, code: str = SHOW, **env: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own that has no other variables of ours."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("ASSENT_", "DATABASE_", "REDIS_"))
    }
    env = {**clean, "ASSENT_DATA_DIR": str(data), **env}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_production_starts_with_safe_settings(tmp_path):
    assert start(tmp_path, **SAFE).stdout == "started False\n"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ASSENT_SECRET_KEY": ""}, "ASSENT_SECRET_KEY is not set"),
        ({"ASSENT_SECRET_KEY": "short"}, "ASSENT_SECRET_KEY is a default or too weak"),
        ({"ASSENT_SECRET_KEY": "a" * 80}, "ASSENT_SECRET_KEY is a default or too weak"),
        ({"ASSENT_SECRET_KEY": "changeme-" + GOOD_KEY}, "ASSENT_SECRET_KEY is a default or too weak"),
        ({"ASSENT_DEBUG": "true"}, "ASSENT_DEBUG is on"),
        ({"ASSENT_ALLOWED_HOSTS": ""}, "ASSENT_ALLOWED_HOSTS is empty"),
        ({"ASSENT_ALLOWED_HOSTS": "*"}, "ASSENT_ALLOWED_HOSTS has a wildcard"),
        ({"ASSENT_ALLOWED_HOSTS": "assent.test,.example.test"}, "ASSENT_ALLOWED_HOSTS has a wildcard"),
    ],
)
def test_production_refuses(tmp_path, change, sentence):
    ended = start(tmp_path, **{**SAFE, **change})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert sentence in ended.stderr


def test_production_refusal_keeps_the_key_to_itself(tmp_path):
    ended = start(tmp_path, **{**SAFE, "ASSENT_SECRET_KEY": "changeme-" + GOOD_KEY})
    assert GOOD_KEY not in ended.stderr


def test_an_unknown_mode_is_refused(tmp_path):
    assert "Use 'embedded' or 'production'" in start(tmp_path, ASSENT_MODE="staging").stderr


def test_embedded_mode_makes_one_key_that_only_its_owner_reads(tmp_path):
    show = "from config import settings; print(settings.SECRET_KEY)"
    first, second = start(tmp_path, show).stdout, start(tmp_path, show).stdout
    assert first == second
    assert len(first.strip()) > 50
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_two_data_directories_have_two_keys(tmp_path):
    show = "from config import settings; print(settings.SECRET_KEY)"
    assert start(tmp_path / "one", show).stdout != start(tmp_path / "two", show).stdout


LINKS = "from config import settings; print(settings.MLFLOW_PUBLIC_URL)"


@pytest.mark.parametrize(
    ("env", "address"),
    [
        ({"MLFLOW_BACKEND_URL": "http://user:hush@127.0.0.1:5000/"}, "/mlflow"),
        ({"MLFLOW_BACKEND_URL": "http://mlflow:5000", **SAFE}, "/mlflow"),
        (
            {"MLFLOW_BACKEND_URL": "http://mlflow:5000", **SAFE, "MLFLOW_PUBLIC_URL": "https://ann:hush@m.test/"},
            "https://m.test",
        ),
    ],
)
def test_pages_link_to_mlflow_through_assent_unless_it_is_published(tmp_path, env, address):
    assert start(tmp_path, LINKS, **env).stdout.strip() == address


@pytest.mark.parametrize(("word", "value"), [("True", True), ("1", True), ("OFF", False), ("no", False), ("", False)])
def test_a_switch_is_read_in_the_usual_words(tmp_path, word, value):
    show = "from config import settings; print(settings.SIGN_WITH_FACTOR)"
    assert start(tmp_path, show, ASSENT_SIGN_WITH_FACTOR=word).stdout == f"{value}\n"


def test_a_switch_with_another_word_does_not_start(tmp_path):
    ended = start(tmp_path, ASSENT_SIGN_WITH_FACTOR="required")
    assert "ASSENT_SIGN_WITH_FACTOR is 'required'. Use 'true' or 'false'." in ended.stderr
