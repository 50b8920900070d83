"""MLflow's REST API of webhooks, which came with MLflow 3.3."""

from dataclasses import dataclass
from typing import Any

from apps.registry.mlflow import MlflowClient

EVENTS = [  # what MLflow tells of its registry; it says nothing of stages, names, descriptions and deletions
    {"entity": entity, "action": action}
    for entity, actions in {
        "REGISTERED_MODEL": ("CREATED",),
        "MODEL_VERSION": ("CREATED",),
        "MODEL_VERSION_TAG": ("SET", "DELETED"),
        "MODEL_VERSION_ALIAS": ("CREATED", "DELETED"),
        "PROMPT": ("CREATED",),
        "PROMPT_VERSION": ("CREATED",),
        "PROMPT_TAG": ("SET", "DELETED"),
        "PROMPT_VERSION_TAG": ("SET", "DELETED"),
        "PROMPT_ALIAS": ("CREATED", "DELETED"),
    }.items()
    for action in actions
]
MAX_PAGES = 20  # of a thousand: somebody else's webhooks are listed too


@dataclass(frozen=True)
class RemoteWebhook:
    """A webhook as MLflow lists it; the secret is never told."""

    id: str
    name: str
    url: str


@dataclass(frozen=True)
class TestResult:
    """How MLflow's test delivery went: `status` is what it was answered, None when nobody answered."""

    status: int | None
    error: str


def webhooks(client: MlflowClient) -> list[RemoteWebhook]:
    """All webhooks of the server, anybody's."""
    found: list[RemoteWebhook] = []
    token = ""
    for _ in range(MAX_PAGES):
        answer = client.ask(
            "GET", "webhooks", params={"max_results": "1000", **({"page_token": token} if token else {})}
        )
        rows = answer.get("webhooks", [])
        found += [_parsed(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        token = str(answer.get("next_page_token") or "")
        if not token:
            break
    return found


def create(client: MlflowClient, name: str, url: str, secret: str) -> str:
    """Register a webhook for all events of the registry; returns its id."""
    body = {"name": name, "url": url, "secret": secret, "events": EVENTS, "description": "Registered by Assent."}
    answer = client.ask("POST", "webhooks", json=body)
    return _parsed(answer.get("webhook") or {}).id


def delete(client: MlflowClient, webhook_id: str) -> None:
    """Remove a webhook. Raises MlflowNotFound when it is gone."""
    client.ask("DELETE", f"webhooks/{webhook_id}")


def test(client: MlflowClient, webhook_id: str) -> TestResult:
    """Let MLflow deliver an example now, with its repetitions; it answers when it is done."""
    result: Any = client.ask("POST", f"webhooks/{webhook_id}/test", json={}).get("result")
    said = result if isinstance(result, dict) else {}
    status = said.get("response_status")
    return TestResult(status if isinstance(status, int) else None, str(said.get("error_message") or "")[:500])


def _parsed(row: dict[str, Any]) -> RemoteWebhook:
    return RemoteWebhook(str(row.get("webhook_id") or ""), str(row.get("name") or ""), str(row.get("url") or ""))
