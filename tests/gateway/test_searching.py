"""Searches of the registry through the door: MLflow's answers, of what one may see."""

import base64
import itertools
import json
import warnings
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts import grants
from apps.accounts.roles import VIEWER
from apps.errors import InvalidInput, WrongState
from apps.gateway import searching
from apps.gateway.callers import Caller
from apps.gateway.canonical import Call
from apps.gateway.routes import find
from apps.gateway.searching import grammar
from apps.registry.models import Connection, RegisteredModel
from apps.registry.sync import synchronise

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mlflow.utils.search_utils import SearchModelUtils, SearchModelVersionUtils

MODELS, VERSIONS = "registered-models", "model-versions"
BOTH = (
    "",
    "name = 'churn1'",
    "name != 'churn1' and tags.team = 'risk'",
    "name LIKE 'churn%'",
    "name LIKE 'CHURN%'",
    "name ILIKE 'CHURN_'",
    "name LIKE '%[*?]%'",
    "name IN ('churn1', \"fraud1\", 'nobody')",
    "name NOT IN ('churn1', 'fraud1')",
    "tags.team = 'risk'",
    "tags.team != 'risk'",
    "tags.team ILIKE '%IS%' AND tags.`risk tier` = 'high'",
    "tags.team LIKE 'r%' AND tags.team != 'risk'",
    "tags.`a.b/c d` = 'x'",
    "tags.a.b = 'dots'",
    "tags.`12` = 'twelve'",
    "tags.`リスク` = '高い'",
    "tags.path = 'C:\\models'",
    "tags.team = \"risk\" AND name LIKE '%1' AND name != 'fraud1'",
    "tags.`mlflow.prompt.is_prompt` = 'false' AND name LIKE 'c%'",
    "tags.`mlflow.prompt.is_prompt` != 'true'",
)
OF_VERSIONS = (
    "run_id = ''",
    "run_id = '0123456789abcdef0123456789abcdef'",
    "run_id IN ('', 'x') AND version_number >= 2",
    "source_path LIKE 's3://%/2'",
    "source_path != 's3://nowhere/2'",
    "version_number = 1",
    "version_number != 1 AND version_number<3",
    "name = 'churn1' AND version_number > 1 AND tags.team = 'risk'",
)
ORDERS = {
    MODELS: ([], ["name DESC"], ["timestamp"], ["last_updated_timestamp desc", "name ASC"]),
    VERSIONS: (
        [], ["name"], ["version_number DESC"], ["attribute.name DESC", "version_number"], ["creation_timestamp DESC"],
        ["last_updated_timestamp", "name desc"],
    ),
}  # fmt: skip
HOSTILE = (
    "name = 'a' OR 1=1",
    "name = 'a'; DROP TABLE registered_models",
    "name = 'a' UNION SELECT * FROM accounts_user",
    "1=1",
    "name = 'a' -- '",
    "name == 'a'",
    "name RLIKE '(a+)+$'",
    "owner = 'a'",
    "run.name = 'a'",
    "name = (SELECT name)",
    "name IN ()",
    "name IN ('a', 1)",
    "name LIKE 5",
    "tags.a > '5'",
    "(" * 4000,
    "'" * 4001,
    "name = '\0'",
    "name LIKE '" + "%a" * 50_000 + "'",
    "x" * 5000,
)
HOSTILE_ORDERS = ("name; DROP TABLE x", "name ASC, (SELECT 1)", "risk", "name" * 100, "name\0")
ASKS_FOR_PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"
FOREIGN = base64.b64encode(json.dumps({"offset": 1}).encode()).decode()
unsettled = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def registry(mlflow_registry):
    """An MLflow with models of all sorts."""
    world = mlflow_registry
    world.model(
        "churn1", description="Who leaves?", tags={"team": "risk", "risk tier": "high", "a.b/c d": "x", "a.b": "dots"}
    )
    world.model("churn2", tags={"team": "ris%", "12": "twelve", "path": "C:\\models"})
    world.model("fraud1", tags={"team": "risk", "リスク": "高い"})
    world.model("fraud2", description="日本語")
    world.model("plain")
    world.model("[*?]")
    world.prompt("prompt1")
    for name in ("churn1", "churn2", "fraud1", "[*?]"):
        for number in (1, 2, 3):
            tags = (
                {"team": "risk", "リスク": "高い", "12": "twelve"}
                if number != 2
                else {"team": "rest", "risk tier": "high"}
            )
            world.bare_version(name, source=f"s3://nowhere/{number}", tags=tags, description="One." * (number % 2))
    world.stage("churn1", 1, "Production")
    world.stage("churn1", 2, "Archived")
    world.alias("churn1", "champion", 1)
    world.alias("churn1", "next", 3)
    world.delete_version("fraud1", 3)
    world.version("plain")
    world.delete_model(world.model("gone"))
    synchronise(requested_by="test")
    return world


@pytest.fixture
def reader(mallory):
    """Let somebody without any role read some models."""

    def reads(*names: str):
        for name in names:
            group = Group.objects.create(name=f"readers of {name}")
            grants.set_role(group, [VIEWER], RegisteredModel.objects.get(name=name), model_class=RegisteredModel)
            mallory.groups.add(group)
        return mallory

    return reads


def pages(ask: Any, what: str, **question: Any) -> list[list[dict[str, Any]]]:
    """Ask for all pages of a search; what has no order is sorted."""
    found, token = [], ""
    while True:
        answer = ask(what, **question, **({"page_token": token} if token else {}))
        found.append([settled(row) for row in answer.get(what.replace("-", "_"), [])])
        token = answer.get("next_page_token", "")
        assert not set(answer) - {what.replace("-", "_"), "next_page_token"}
        if not token:
            return found


def settled(row: dict[str, Any]) -> dict[str, Any]:
    """Sort the lists of an answer that MLflow gives as its database happens to have them."""
    row = dict(row)
    for name, key in (("tags", "key"), ("aliases", "alias"), ("latest_versions", "version")):
        if name in row:
            row[name] = sorted((settled(item) for item in row[name]), key=lambda item: item[key])
    return row


@pytest.fixture
def as_reader(send):
    """Search through the door as a person."""

    def of(user):
        def ask(what: str, **question: Any) -> dict[str, Any]:
            answer = send(user, "GET", f"/api/2.0/mlflow/{what}/search", params=question)
            assert answer.status_code == 200, (question, answer.text)
            return answer.json()

        return ask

    return of


@pytest.fixture
def direct(mlflow_registry):
    """Search MLflow itself."""

    def ask(what: str, **question: Any) -> dict[str, Any]:
        return mlflow_registry.call("GET", f"{what}/search", **question)

    return ask


@unsettled
@pytest.mark.mlflow
def test_answers_are_mlflows(door, registry, direct, as_reader, charlie, reader):
    everybody = [as_reader(charlie), as_reader(reader("churn1", "churn2", "fraud1", "fraud2", "plain", "[*?]"))]
    for what, filters in ((MODELS, BOTH), (VERSIONS, (*BOTH, *OF_VERSIONS))):
        asked = [{"filter": text, "max_results": 4} for text in filters]
        asked += [{"order_by": order, "max_results": size} for order in ORDERS[what] for size in (2, 100)]
        for ask, question in zip(itertools.cycle(everybody), [{}, *asked], strict=False):
            assert pages(ask, what, **question) == pages(direct, what, **question), (what, question)


@unsettled
@pytest.mark.mlflow
def test_a_part_is_paged_as_if_there_were_nothing_else(door, registry, as_reader, reader, send):
    ask = as_reader(reader("churn2"))
    (shown,) = pages(ask, MODELS, max_results=1)
    assert [row["name"] for row in shown] == ["churn2"]
    numbers = [
        [row["version"] for row in page] for page in pages(ask, VERSIONS, max_results=2, order_by="version_number")
    ]
    assert numbers == [["1", "2"], ["3"]]
    assert pages(ask, VERSIONS, filter="name = 'churn1'") == pages(ask, MODELS, filter="name = 'nobody'") == [[]]
    prompts = send(reader(), "GET", f"/api/2.0/mlflow/{MODELS}/search", params={"filter": ASKS_FOR_PROMPTS})
    assert (prompts.status_code, prompts.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@unsettled
@pytest.mark.mlflow
def test_what_the_mirror_cannot_say_mlflow_does(door, registry, direct, as_reader, charlie):
    for filter in (ASKS_FOR_PROMPTS, "name ILIKE '%É%'", "name = 'it''s'", "name = 'plain' name = 'plain'"):
        assert pages(as_reader(charlie), MODELS, filter=filter) == pages(direct, MODELS, filter=filter)


@unsettled
@pytest.mark.mlflow
def test_hostile_searches_are_refused(door, registry, send, charlie, reader):
    refusals = {(400, "INVALID_PARAMETER_VALUE")}
    for user in (charlie, reader("churn1")):
        for what in (MODELS, VERSIONS):
            asked = [{"filter": text} for text in HOSTILE] + [{"order_by": text} for text in HOSTILE_ORDERS]
            for body in (*asked, {"max_results": 200_001}, {"page_token": FOREIGN}):
                answer = send(user, "GET", f"/api/2.0/mlflow/{what}/search", json=body)
                assert {(answer.status_code, answer.json()["error_code"])} == refusals, (body, answer.text[:300])


@pytest.fixture
def mirrored(db):
    """A mirror of a few models, without an MLflow."""
    Connection.objects.filter(pk="default").update(listed_at=timezone.now(), completed_at=timezone.now())
    now = timezone.now()
    for name in ("a", "b", "c"):
        model = RegisteredModel.objects.create(name=name, created_at=now, updated_at=now)
        for number in (1, 2):
            model.versions.create(number=number, created_at=now, updated_at=now)


def asked(user, what: str, **params: Any) -> Any:
    """Ask the searches of the door as they are."""
    found = find("GET", f"/api/2.0/mlflow/{what}/search")
    return (searching.models if what == MODELS else searching.versions)(Call(found.route, {}, params), Caller(user))


def test_a_page_token_is_for_its_search_and_its_reader_alone(mirrored, charlie, erin):
    token = asked(charlie, MODELS, max_results=1)["next_page_token"]
    assert [row["name"] for row in asked(charlie, MODELS, page_token=token)["registered_models"]] == ["b", "c"]
    forged = (token[:-1] + ("A" if token[-1] != "A" else "B"), "x", token + token, FOREIGN)
    elsewhere = [(charlie, MODELS, {"filter": "name != 'x'"}), (charlie, VERSIONS, {}), (erin, MODELS, {})]
    for user, what, more in [*elsewhere, (charlie, MODELS, {"order_by": ["name DESC"]})]:
        with pytest.raises(InvalidInput, match="another search"):
            asked(user, what, page_token=token, **more)
    for text in forged:
        with pytest.raises(InvalidInput, match="another search"):
            asked(charlie, MODELS, page_token=text)


def test_a_page_costs_the_same_however_much_is_on_it(mirrored, charlie, django_assert_num_queries):
    assert Caller(charlie).reads_all  # what one may do is asked once
    with django_assert_num_queries(3):
        assert len(asked(charlie, MODELS)["registered_models"]) == 3
    with django_assert_num_queries(2):
        assert len(asked(charlie, VERSIONS)["model_versions"]) == 6


def test_a_registry_that_was_never_read_is_not_answered_for(mirrored, charlie, mallory):
    Connection.objects.filter(pk="default").update(listed_at=None)
    assert asked(charlie, MODELS) is asked(charlie, VERSIONS) is None
    for what in (MODELS, VERSIONS):
        with pytest.raises(WrongState, match="not read this registry yet"):
            asked(mallory, what)


FIELDS = (
    "name", "attribute.name", "run_id", "source_path", "version_number", "tags.a", "tag.x.y", "tags.`a b`",
    "tags.\"q-1\"", "tags.end", "tags.in", "Tags.a", "owner",
)  # fmt: skip
COMPARATORS = ("=", " = ", "!=", " LIKE ", " ilike ", "IN", " IN ", " not  in ", "<", ">=", " RLIKE ", "<>", " = \n")
VALUES = (
    "'a'", '"b"', "''", "\"it's\"", "'C:\\x'", "'a''b'", "'\\'x'", "5", "05", "5.0", "('a','b')", "( 'a' , \"b\", )",
    "('a\\n')", "()", "'%x_'", "'日本'", "'É'", "a", "'a' 'b'", "'--'", "';'", "'x AND y'", "('x' 'y')", "('a\nb')",
)  # fmt: skip
ANDS = (" AND ", "\nand\t", "AND ", " OR ", " ", ";")
comparisons = st.tuples(st.sampled_from(ANDS), *map(st.sampled_from, (FIELDS, COMPARATORS, VALUES))).map("".join)


@unsettled
@pytest.mark.once
@settings(max_examples=400, deadline=None)
@given(st.lists(comparisons, min_size=1, max_size=3), st.sampled_from(ANDS), st.sampled_from(("", " ", ";")))
def test_what_is_understood_is_what_mlflow_understands(parts, first, end):
    text = "".join(parts).removeprefix(first) + end
    for kind, theirs in ((grammar.MODELS, SearchModelUtils), (grammar.VERSIONS, SearchModelVersionUtils)):
        try:
            found = grammar.conditions(kind, text)
        except grammar.Beyond:
            continue
        meant = [(row["type"], row["key"], row["comparator"], row["value"]) for row in theirs.parse_search_filter(text)]
        assert [("tag" if c.tag else "attribute", c.key, c.comparator, c.value) for c in found] == meant
