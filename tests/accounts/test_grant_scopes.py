"""Which models a scope takes in: pure, so without a database."""

from itertools import product
from time import perf_counter

import pytest

from apps.accounts.grant_scopes import Facts, checked_value, matches, reach
from apps.accounts.models import GrantScope
from apps.errors import InvalidInput


def facts(name: str = "churn", *, connection: str = "default", risk: str = "", **tags: str) -> Facts:
    return Facts(1, connection, name, tags, risk)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("churn-*", "churn-eu", True),
        ("churn-*", "churn-", True),
        ("churn-*", "churn", False),
        ("churn-*", "Churn-eu", False),
        ("churn", "churn", True),
        ("churn", "churn-eu", False),
        ("*", "", True),
        ("*-eu", "churn-eu", True),
        ("*-eu", "churn-eu-2", False),
        ("a*a", "a", False),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a**c", "abc", True),
        ("ch.rn-[a-z]+", "churn-eu", False),
        ("ch?rn", "churn", False),
        ("100%_*", "100%_x", True),
    ],
)
def test_a_star_is_the_only_sign_and_case_counts(pattern, name, fits):
    assert matches(pattern, name) is fits


def test_a_pattern_fits_what_its_meaning_says():
    def means(rest: str, left: str) -> bool:
        if not rest:
            return not left
        if rest[0] == "*":
            return any(means(rest[1:], left[n:]) for n in range(len(left) + 1))
        return left.startswith(rest[0]) and means(rest[1:], left[1:])

    def texts(letters: str) -> list[str]:
        return ["".join(chosen) for length in range(5) for chosen in product(letters, repeat=length)]

    pairs = [(pattern, name) for pattern in texts("ab*") for name in texts("ab")]
    assert [matches(*pair) for pair in pairs] == [means(*pair) for pair in pairs]


def test_a_hostile_pattern_over_a_hostile_name_costs_no_time():
    began = perf_counter()
    assert not matches("*a" * 125 + "b", "a" * 100_000)
    assert perf_counter() - began < 1


def test_a_pattern_is_about_the_default_server_unless_it_names_another():
    here, there = facts("churn-1"), facts("churn-1", connection="eu")
    assert [reach("pattern", "churn-*")(model) for model in (here, there)] == [True, False]
    assert [reach("pattern", "eu:churn-*")(model) for model in (here, there)] == [False, True]
    assert [reach("pattern", "*")(model) for model in (here, there)] == [True, False]


def test_a_tag_is_met_by_its_key_or_by_key_and_value():
    model = facts(team="Payments", other="x")
    asked = ("team", "team=payments", "team=", "team=fraud", "Team", "risk")
    assert [reach("tag", tag)(model) for tag in asked] == [True, True, False, False, False, False]


def test_a_tier_is_met_in_any_case_and_no_tier_meets_none():
    assert [reach("risk", "High")(facts(risk=risk)) for risk in ("high", "low", "")] == [True, False, False]


def test_a_server_takes_in_its_own_models():
    assert [reach("connection", "eu")(facts(connection=name)) for name in ("eu", "default")] == [True, False]


def test_a_scope_that_is_none_is_loud():
    with pytest.raises(ValueError, match="no such scope"):
        reach("galaxy", "")


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        (GrantScope.PATTERN, ""),
        (GrantScope.PATTERN, "x" * 251),
        (GrantScope.PATTERN, "a\x00b"),
        (GrantScope.PATTERN, "a\u202eb"),
        (GrantScope.PATTERN, "eu:"),
        (GrantScope.TAG, "=high"),
        (GrantScope.RISK, " "),
        (GrantScope.REGISTRY, "churn-*"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_on_its_field(scope, value):
    with pytest.raises(InvalidInput) as error:
        checked_value(scope, value)
    assert error.value.field == "value"
