"""The docs say which scope each address needs, as config/api_scopes.py has it, and name each part of the bench."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from apps.accounts.models import TokenScope
from config.api_scopes import NEEDED
from scripts.bench.__main__ import PARTS
from tests.attacks.doors import doors

DOCS = Path(settings.BASE_DIR) / "docs"


def needed(scope: TokenScope) -> list[str]:
    """Return what the table opens to a scope, but for reading with the scope `read`, which is everything else."""
    routes = {door.name: re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", door.route.removeprefix("api/v1/")) for door in doors()}
    return sorted(
        f"{method} {routes[name]}"
        for name, methods in NEEDED.items()
        for method, opens in methods.items()
        if opens == scope and (method, opens) != ("GET", TokenScope.READ)
    )


@pytest.mark.parametrize("scope", TokenScope)
def test_the_docs_name_each_address_that_a_scope_opens(scope):
    section = (DOCS / "api.md").read_text().split("## Scopes by address")[1].split("##")[0]
    line = next(line for line in section.splitlines() if line.startswith(f"| `{scope.value}` |"))
    assert sorted(re.findall(r"`([A-Z]+ [^`]+)`", line)) == needed(scope)


def test_the_docs_name_each_part_of_the_bench():
    text = (DOCS / "operations.md").read_text()
    named = re.search(r"`PARTS` chooses from ([^;:]+)[;:]", text)[1]
    assert re.split(r", | and ", named) == list(PARTS)
