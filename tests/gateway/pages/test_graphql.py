"""What MLflow's pages ask by GraphQL: their own four questions pass, and nothing else does."""

import pytest

from apps.errors import DomainError
from apps.gateway.pages import documents
from apps.registry.models import ModelVersion

RUN = """query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetRun(input: $data) {
    apiError { helpUrl code message }
    run {
      info { runName status runUuid experimentId artifactUri }
      experiment { experimentId name tags { key value } artifactLocation }
      modelVersions { status version name source }
      data { metrics { key value step timestamp } params { key value } tags { key value } }
      inputs { datasetInputs { dataset { digest name } tags { key value } } modelInputs { modelId } }
    }
  }
}"""
RUNS = """query SearchRuns($data: MlflowSearchRunsInput!) {
  mlflowSearchRuns(input: $data) { apiError { code } runs { info { runUuid } modelVersions { name version } } }
}"""
EXPERIMENT = """query MlflowGetExperimentQuery($input: MlflowGetExperimentInput!) @component(name: "x") {
  mlflowGetExperiment(input: $input) { apiError { code message } experiment { experimentId name tags { key value } } }
}"""
HISTORY = """query GetMetricHistoryBulkInterval($data: MlflowGetMetricHistoryBulkIntervalInput!) @component(name: "x") {
  mlflowGetMetricHistoryBulkInterval(input: $data) { __typename metrics { step runId key value } apiError { code } }
}"""
DATA = {"data": {"runId": "a" * 32}}
ONE = "mlflowGetRun(input: $data) { run { info { runUuid } } }"
ATTACKS = {
    "no query": None,
    "no text": ["query"],
    "no GraphQL": "{ mlflowGetRun(",
    "a mutation": "mutation M($data: MlflowGetRunInput!) { testMutation(inputString: $data) { output } }",
    "a subscription": f"subscription S($data: MlflowGetRunInput!) {{ {ONE} }}",
    "introspection": "query I($data: X!) { __schema { types { name } } }",
    "introspection of a type": 'query I($data: X!) { __type(name: "Run") { name } }',
    "introspection inside": "query I($data: X!) { mlflowGetRun(input: $data) { __schema { types { name } } } }",
    "an unknown field": "query I($data: X!) { mlflowListArtifacts(input: $data) { files { path } } }",
    "versions": "query I($data: X!) { mlflowSearchModelVersions(input: $data) { modelVersions { name } } }",
    "two fields": f"query I($data: X!) {{ {ONE} mlflowSearchRuns(input: $data) {{ runs {{ info {{ runUuid }} }} }} }}",
    "the same field twice": f"query I($data: X!) {{ {ONE} {ONE} }}",
    "an alias": f"query I($data: X!) {{ a: {ONE} }}",
    "an alias inside": "query I($data: X!) { mlflowGetRun(input: $data) { run { info: modelVersions { name } } } }",
    "two operations": f"query I($data: X!) {{ {ONE} }} query J($data: X!) {{ {ONE} }}",
    "a fragment": f"query I($data: X!) {{ ...F }} fragment F on Query {{ {ONE} }}",
    "a fragment inside": "query I($data: X!) { mlflowGetRun(input: $data) { ...F } } fragment F on R { run { info } }",
    "an inline fragment": f"query I($data: X!) {{ ... on Query {{ {ONE} }} }}",
    "an inline fragment inside": "query I($data: X!) { mlflowGetRun(input: $data) { ... { run { info } } } }",
    "a directive": "query I($data: X!) { mlflowGetRun(input: $data) @skip(if: false) { run { info } } }",
    "a directive inside": "query I($data: X!) { mlflowGetRun(input: $data) { run @include(if: true) { info } } }",
    "an unknown directive": f"query I($data: X!) @live {{ {ONE} }}",
    "an input written out": 'query I($data: X!) { mlflowGetRun(input: {runId: "b"}) { run { info } } }',
    "an input by parts": "query I($data: String!) { mlflowGetRun(input: {runId: $data}) { run { info } } }",
    "another variable": "query I($data: X!) { mlflowGetRun(input: $other) { run { info } } }",
    "two variables": f"query I($data: X!, $other: X) {{ {ONE} }}",
    "a default": 'query I($data: X = {runId: "b"}) { mlflowGetRun(input: $data) { run { info } } }',
    "two arguments": "query I($data: X!) { mlflowGetRun(input: $data, other: 1) { run { info } } }",
    "no input": "query I($data: X!) { mlflowGetRun { run { info } } }",
    "arguments inside": "query I($data: X!) { mlflowGetRun(input: $data) { run(id: 1) { info } } }",
    "no selection": "query I($data: X!) { mlflowGetRun(input: $data) }",
    "a schema": "type Query { mlflowGetRun: String }",
    "deep": "query I($data: X!) { mlflowGetRun(input: $data) " + "{ run " * 12 + "}" * 12 + " }",
    "very deep": "query I($data: X!) " + "{ a " * 100_000,
    "lists without end": "query I($data: X!) { mlflowGetRun(input: " + "[" * 10_000,
    "long": f"query I($data: X!) {{ {ONE} }}" + "#" * 20_000,
    "many fields": "query I($data: X!) { mlflowGetRun(input: $data) { " + "run " * 1000 + "} }",
}


def inputs(**fields):
    return {"query": RUN, "variables": {"data": fields}}


@pytest.mark.once
@pytest.mark.parametrize("query", ATTACKS.values(), ids=ATTACKS)
def test_documents_that_pages_never_send_are_refused(query):
    with pytest.raises(DomainError) as refused:
        documents.understood({"query": query, "variables": DATA})
    assert refused.value.status == 400


@pytest.mark.once
def test_what_is_sent_on_is_written_anew():
    query = """query Any($data: Whatever) @component(name: "x") { # a comment
        mlflowGetRun(input: $data) { run { info { runUuid } } } }"""
    field, given, document = documents.understood({"query": query, "variables": DATA, "operation_name": "Other"})
    wanted = "query($input: MlflowGetRunInput!) { mlflowGetRun(input: $input) { run { info { runUuid } } } }"
    assert (field, given, " ".join(document.split())) == ("mlflowGetRun", DATA["data"], wanted)


BAD_INPUTS = {
    "two runs": inputs(runId="a", runUuid="b"),
    "no run": inputs(),
    "a number": inputs(runId=1),
    "a list": inputs(runId=["a"]),
    "an unknown input": inputs(runId="a", path="x"),
    "the other spelling": inputs(run_id="a"),
    "another variable too": {"query": RUN, "variables": {"data": {"runId": "a"}, "run": {"runId": "b"}}},
    "no variables": {"query": RUN},
    "variables as a text": {"query": RUN, "variables": '{"data": {"runId": "a"}}'},
    "more beside it": inputs(runId="a") | {"extensions": {"persistedQuery": {"sha256Hash": "0"}}},
    "all experiments": {"query": RUNS, "variables": {"data": {"filter": ""}}},
    "no experiments": {"query": RUNS, "variables": {"data": {"experimentIds": []}}},
}


@pytest.mark.django_db
def test_inputs_that_name_nothing_or_two_things_are_refused(alice, ask):
    answers = {name: ask(alice, "POST", "graphql", **sent).status_code for name, sent in BAD_INPUTS.items()}
    assert answers == dict.fromkeys(BAD_INPUTS, 400)


@pytest.mark.django_db
def test_a_question_comes_alone_and_by_post(alice, ask, client):
    client.force_login(alice)
    batch = client.post(
        "/mlflow/graphql", '[{"query": "{ test }"}]', "application/json", headers={"Sec-Fetch-Site": "same-origin"}
    )
    got = ask(alice, "GET", "graphql", query=RUN, variables='{"data": {"runId": "a"}}')
    assert (batch.status_code, got.status_code) == (400, 400)


@pytest.mark.mlflow
def test_the_four_questions_of_the_pages_are_answered(registry, charlie, ask):
    run = ModelVersion.objects.get(model__name="churn").run_id

    def data(query: str, **variables):
        answer = ask(charlie, "POST", "graphql", operationName="Q", query=query, variables=variables).json()
        assert answer["errors"] is None
        return answer["data"]

    found = data(RUN, data={"runId": run})["mlflowGetRun"]["run"]
    assert (found["info"]["runUuid"], [version["name"] for version in found["modelVersions"]]) == (run, ["churn"])
    runs = data(RUNS, data={"experimentIds": ["0"], "filter": f"run_id = '{run}'"})["mlflowSearchRuns"]["runs"]
    assert [one["info"]["runUuid"] for one in runs] == [run]
    assert data(EXPERIMENT, input={"experimentId": "0"})["mlflowGetExperiment"]["experiment"]["name"] == "Default"
    history = data(HISTORY, data={"runIds": [run], "metricKey": "accuracy"})["mlflowGetMetricHistoryBulkInterval"]
    assert [(point["runId"], point["value"]) for point in history["metrics"]] == [(run, 0.9)]


@pytest.mark.mlflow
def test_who_may_read_one_model_learns_of_no_other_by_graphql(registry, dana, ask):
    runs = dict(ModelVersion.objects.values_list("model__name", "run_id"))
    source = registry.call("GET", "runs/get", run_id=runs["churn"])["run"]["info"]["artifact_uri"]
    registry.bare_version("secret", source=f"{source}/model", run_id=runs["churn"])

    def asked(query: str, **variables):
        return ask(dana, "POST", "graphql", query=query, variables=variables)

    run = asked(RUN, data={"runId": runs["churn"]}).json()["data"]["mlflowGetRun"]["run"]
    assert [version["name"] for version in run["modelVersions"]] == ["churn"]
    assert run["experiment"] == {"experimentId": "0", "name": None, "tags": None, "artifactLocation": None}
    nameless = RUN.replace("status version name source", "version source")
    assert asked(nameless, data={"runId": runs["churn"]}).json()["data"]["mlflowGetRun"]["run"]["modelVersions"] == []
    refused = [
        asked(RUN, data={"runId": runs["secret"]}),
        asked(RUN, data={"runUuid": runs["secret"]}),
        asked(RUNS, data={"experimentIds": ["0"]}),
        asked(EXPERIMENT, input={"experimentId": "0"}),
        asked(HISTORY, data={"runIds": [runs["churn"], runs["secret"]], "metricKey": "accuracy"}),
    ]
    assert [answer.status_code for answer in refused] == [404] * 5
