"""Patterns and filters that people write, with the worst input there is: work grows with the input, and not faster.

Lines of Python are counted, not seconds; where the work is done in C, the processor's time of a short and of a long
input is compared. Patterns of regular expressions are the program's own: test_excess.py.
"""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from apps.accounts import grant_scopes
from apps.accounts.grant_scopes import MAX_VALUE, Facts, matches, reach
from apps.accounts.models import GrantScope
from apps.accounts.roles import ADMIN
from apps.approvals.checks import environment
from apps.approvals.policies import selecting
from apps.audit import moments
from apps.cells import safe
from apps.errors import InvalidInput
from apps.masking import masked
from apps.registry.comparing import packages
from apps.registry.data_check.schema import schema_of
from apps.registry.details import mlmodel, requirements
from apps.registry.forms import reference_from
from apps.registry.inventory.address import canonical
from apps.registry.models import RegisteredModel
from tests.conftest import member

pytestmark = pytest.mark.once
SHORT, TIMES = 2000, 4
Deed = Callable[[int], Any]  # what is done with an input of so many characters


def filled(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def quietly(deed: Callable[..., Any], *given: Any) -> None:
    """Do it; that the input is refused is fine."""
    with suppress(InvalidInput, ValueError):
        deed(*given)


def model(name: str = "", **more: Any) -> Facts:
    return Facts(1, "default", name, more.get("tags", {}), more.get("risk", ""))


WORST: dict[str, Deed] = {
    "stars that fit nearly everywhere": lambda n: matches(filled("*a", n) + "*b", filled("a", n)),
    "stars without anything between": lambda n: matches("*" * n + "b", filled("a", n)),
    "a part that begins again and again": lambda n: matches("*" + "a" * n + "b*", filled("a", 2 * n) + "c"),
    "a beginning that overlaps the end": lambda n: matches("a" * n + "*" + "a" * n, filled("a", 2 * n - 1)),
    "a grant by pattern": lambda n: reach(GrantScope.PATTERN, filled("*ab", n))(model(filled("ab", n))),
    "a grant by tag": lambda n: reach(GrantScope.TAG, "k=" + filled("=", n))(model(tags={"k": filled("=", n)})),
    "a grant by tier": lambda n: reach(GrantScope.RISK, filled("ß", n))(model(risk=filled("ß", n))),
    "a value of a grant": lambda n: quietly(grant_scopes.checked_value, GrantScope.PATTERN, filled("*:", n)),
    "a scope of a policy": lambda n: selecting._same(filled("İ", n), filled("i̇", n)),
    "a view that is saved": lambda n: quietly(canonical, filled("q=a&tag=b=c&", n)),
    "a view with one name many times": lambda n: quietly(canonical, filled("tag=&", n)),
    "a moment": lambda n: quietly(moments.read, filled("1", n) + "d"),
    "a moment in a zone": lambda n: quietly(moments.read, "2026-01-01T00:00+" + filled("0", n)),
    "a version that is named": lambda n: quietly(reference_from, filled("@", n), "base"),
    "a requirement": lambda n: requirements.parse("a==" + filled("1.", n) + "x!"),
    "a requirement with extras": lambda n: requirements.parse("a[" + filled("b,", n)),
    "a requirement with markers": lambda n: requirements.parse("a; " + filled("(", n)),
    "a requirement that is compared": lambda n: packages._parsed("a; " + filled("(", n)),
    "a requirement that is checked": lambda n: environment._pinned("a; " + filled("(", n)),
    "a version of a package": lambda n: packages._exact("==" + filled("1_", n)),
    "lines of requirements": lambda n: requirements.lines(filled("\\\n #", n)),
    "an address with a password": lambda n: masked(filled("://a", n)),
    "an address with tokens": lambda n: masked("://h/?" + filled("token=", n)),
    "a cell": lambda n: safe(filled(";=", n)),
    "a signature": lambda n: schema_of({"signature": {"inputs": filled('[{"type":', n)}}),
    "a tensor's shape": lambda n: mlmodel.type_text({"type": "tensor", "tensor-spec": {"shape": [1] * n}}),
}


def lines(deed: Deed, size: int) -> int:
    """Return how many lines of Python are run."""
    counted = 0

    def count(frame: FrameType, event: str, _given: Any) -> Any:
        nonlocal counted
        counted += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        deed(size)
    finally:
        sys.settrace(before)
    return counted


def seconds(deed: Deed, size: int) -> float:
    """Return the processor's seconds; the least of three."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        deed(size)
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.mark.parametrize("what", WORST)
def test_work_grows_with_what_somebody_writes_and_not_faster(what):
    deed = WORST[what]
    deed(SHORT)  # whatever is done once
    few, many = lines(deed, SHORT), lines(deed, SHORT * TIMES)
    assert many <= few * TIMES + 50, f"{few} → {many} lines"
    before, after = seconds(deed, SHORT), seconds(deed, SHORT * TIMES)
    # Linear work grows fourfold, quadratic sixteenfold; what takes less than a millisecond is too short to tell.
    assert after < 0.001 or after / max(before, 1e-6) < 2.5 * TIMES


def test_a_pattern_of_a_grant_is_bounded_whatever_it_costs():
    for scope in (GrantScope.PATTERN, GrantScope.TAG, GrantScope.RISK, GrantScope.CONNECTION):
        with pytest.raises(InvalidInput) as refused:
            grant_scopes.checked_value(scope, "*" * (MAX_VALUE + 1))
        assert refused.value.field == "value"


@pytest.mark.django_db
@pytest.mark.parametrize("words", ["a " * 5000, "%_\\" * 5000, "*" * 5000, "(" * 5000, "\\" * 5001])
def test_no_text_that_is_searched_for_breaks_the_database(words, client):
    RegisteredModel.objects.create(name="searched", created_at="2026-01-01T00:00Z", updated_at="2026-01-01T00:00Z")
    client.force_login(member("searcher", ADMIN))  # the people of the house are there already
    searched = {
        "/models/": "q", "/api/v1/models/": "q", "/compliance/": "q", "/api/v1/compliance/": "q",
        "/audit/": "target", "/api/v1/audit/events/": "target", "/requests/": "model", "/api/v1/requests/": "model",
    }  # fmt: skip
    found = {path: client.get(path, {name: words[:cut]}).status_code for path, name in searched.items()
             for cut in (249, len(words))}  # fmt: skip
    assert {path: status for path, status in found.items() if status not in (200, 400)} == {}
