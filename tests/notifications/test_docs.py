"""What docs/webhooks.md promises is so."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from apps.notifications import endpoints
from apps.notifications.queueing import payload
from apps.notifications.sending.signing import headers, new_secret
from tests.notifications.conftest import happen, work

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


def example() -> Any:
    """Run the example's code as it stands in the documentation."""
    namespace: dict[str, Any] = {}
    exec(re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)[1], namespace)
    return namespace["is_genuine"]


def test_the_example_knows_what_is_genuine(webhook, receiver, model, admin):
    rotated = endpoints.rotate_secret(webhook.endpoint.pk, by=admin)
    happen(model)
    work()
    is_genuine, post = example(), receiver.posts[-1]
    assert [
        is_genuine(webhook.secret, post.headers, post.body),
        is_genuine(rotated.secret, post.headers, post.body),
        is_genuine(new_secret(), post.headers, post.body),
        is_genuine(webhook.secret, post.headers, post.body + b" "),
        is_genuine(webhook.secret, {}, post.body),
        is_genuine(webhook.secret, {**post.headers, "webhook-id": "another"}, post.body),
    ] == [True, True, False, False, False, False]


def test_the_example_refuses_what_is_old():
    secret, then = new_secret(), timezone.now() - timedelta(minutes=6)
    assert example()(secret, headers("m", "{}", [secret], then), b"{}") is False


def test_the_payload_has_the_names_of_the_example(model):
    sample = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)[1]
    event = happen(model, version="churn v3", to_stage="Production")
    told = payload(event, "churn")
    assert list(re.findall(r'^    "(\w+)":', sample, re.MULTILINE)) == list(told["data"])
