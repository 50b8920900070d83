"""What docs/ci.md tells pipelines to do is valid, and is what the tool understands."""

import importlib.util
import json
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from django.conf import settings

from apps.approvals.gate.serializers import GateOut, GateReasonOut

BASE = Path(settings.BASE_DIR)
TEXT = (BASE / "docs" / "ci.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("assent_cli", BASE / "static" / "cli" / "assent.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("text", blocks("yaml"), ids=["GitHub", "GitLab", "report"])
def test_snippet_is_yaml(text):
    assert isinstance(yaml.safe_load(text), dict)


def test_every_call_in_the_snippets_is_understood(tool):
    calls = re.findall(r"python3 assent\.py (.*)", "\n".join(blocks("yaml") + blocks("sh")))
    asked = [tool.parser().parse_args(shlex.split(re.sub(r'"\$\w+"', "3", call))) for call in calls]
    assert [(one.model, one.version, one.target) for one in asked] == [("churn", 3, "Production")] * 3


def test_example_answer_has_the_fields_of_the_api():
    answer = json.loads(blocks("json")[0])
    assert (set(answer), set(answer["reasons"][0])) == (set(GateOut().fields), set(GateReasonOut().fields))


def test_exit_codes_are_those_of_the_tool(tool):
    told = [int(code) for code in re.findall(r"^\| (\d) \|", TEXT, flags=re.MULTILINE)]
    assert told == [tool.ALLOW, tool.DENY, tool.USAGE, tool.UNREACHABLE, tool.NOT_AUTHORISED]
