"""The client against a peer that misbehaves: always an end, always a plain sentence, never a wrong "not found"."""

import pytest

from apps.registry import connections
from apps.registry.mlflow import MAX_ARTIFACT, MlflowClient, MlflowNotFound, MlflowRefused, MlflowUnavailable
from tests.servers.broken import BrokenServer, Reply

MODEL = {"name": "churn", "creation_timestamp": 1, "last_updated_timestamp": 2}


def client(server: BrokenServer) -> MlflowClient:
    return MlflowClient(server.url, timeout=3)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(b"", status=500), "MLflow answered with error 500."),
        (Reply(b"<html>", status=502, content_type="text/html"), "MLflow answered with error 502."),
        (Reply(b"<html>not found", status=404, content_type="text/html"), "MLflow answered with error 404."),
        (Reply(b"", status=429), "MLflow answered with error 429."),
        (Reply(b"<html>"), "MLflow's answer cannot be understood: it is not a JSON object."),
        (Reply(b'{"registered_model": {"name'), "MLflow's answer cannot be understood: it is not a JSON object."),
        (Reply(b"[1]"), "MLflow's answer cannot be understood: it is not a JSON object."),
        (Reply(b"[" * 100_000), "MLflow's answer cannot be understood: it is not a JSON object."),
        (
            Reply(b'{"a": "\\u0000", "b": ' + b"[" * 900 + b"]" * 900 + b"}"),
            "MLflow's answer cannot be understood: it is not a JSON object.",
        ),
        (Reply.json({"registered_model": 7}), "MLflow's answer cannot be understood: an object is missing."),
        (
            Reply.json({"registered_model": {}}),
            "MLflow's answer cannot be understood: None is not a time in milliseconds.",
        ),
        (Reply(b'{"a": 1}', length=100), "MLflow broke off in the middle of its answer."),
        (Reply(says_nothing=True), "MLflow did not answer within 3 seconds."),
        (Reply(trickles=True), "MLflow did not answer within 3 seconds."),
        (
            Reply(status=302, headers={"Location": "http://127.0.0.1:9/"}),
            "MLflow's address answers with a redirect (302), which is not followed.",
        ),
    ],
)
def test_get_model_says_what_is_wrong_with_the_answer(reply, sentence):
    from tests.servers.broken import broken_server

    with broken_server() as server, client(server) as mlflow:
        server.always(reply)
        with pytest.raises(MlflowUnavailable) as caught:
            mlflow.get_model("churn")
    assert str(caught.value) == sentence


def test_get_model_says_that_nobody_listens():
    with MlflowClient("http://127.0.0.1:9", timeout=3) as mlflow, pytest.raises(MlflowUnavailable) as caught:
        mlflow.get_model("churn")
    assert str(caught.value) == "MLflow cannot be reached: the connection was refused or failed."


@pytest.mark.parametrize("address", ["not an address", "ftp://example.org", "http://"])
def test_an_unusable_address_is_named(address):
    with MlflowClient(address, timeout=3) as mlflow, pytest.raises(MlflowUnavailable):
        mlflow.get_model("churn")


def test_only_mlflows_own_word_counts_as_not_found(broken):
    broken.always(Reply.json({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No model churn"}, status=404))
    with client(broken) as mlflow, pytest.raises(MlflowNotFound) as caught:
        mlflow.get_model("churn")
    assert str(caught.value) == "No model churn"


def test_a_refusal_keeps_the_sql_out_of_its_sentence(broken):
    message = "value too long [SQL: INSERT INTO registered_models]\nsecond line"
    broken.always(Reply.json({"error_code": "BAD_REQUEST", "message": message}, status=400))
    with client(broken) as mlflow, pytest.raises(MlflowRefused) as caught:
        mlflow.get_model("churn")
    assert str(caught.value) == "MLflow refused (BAD_REQUEST): value too long"


def test_wrong_credentials_are_a_refusal(broken):
    broken.always(Reply(b"You are not authenticated", status=401, content_type="text/plain"))
    with client(broken) as mlflow, pytest.raises(MlflowRefused):
        mlflow.get_model("churn")


def test_an_artifact_that_is_too_big_is_not_read_to_its_end(broken):
    broken.always(Reply(b"x" * (MAX_ARTIFACT + 1)))
    with client(broken) as mlflow, pytest.raises(MlflowUnavailable) as caught:
        mlflow.get_artifact("churn", 1, "MLmodel")
    assert str(caught.value) == "MLflow's answer is larger than 1024 KB."


def test_text_that_no_database_stores_is_replaced(broken):
    broken.always(Reply(b'{"registered_model": {"name": "a\\u0000b\\ud800", "creation_timestamp": 1}}'))
    with client(broken) as mlflow:
        assert mlflow.get_model("x").name == "a\ufffdb?"


def test_credentials_are_sent_as_configured(broken, settings):
    headers = []
    settings.MLFLOW_BACKEND_TOKEN = "a token"
    with connections.client("default") as mlflow:
        headers.append(mlflow._http.headers["Authorization"])
    assert headers == ["Bearer a token"]
