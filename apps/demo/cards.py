"""The demo's model cards, made by its people through the services: one approved, one carried over and half filled, one
that lacks nearly everything, and one out of step with MLflow."""

from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.modelcards import lifecycle, services
from apps.modelcards.filling import Edit
from apps.modelcards.models import Card
from apps.registry import connections
from apps.registry import services as mirror
from apps.registry.models import ModelVersion

MODEL = "churn-classifier"
APPROVED, CARRIED = 2, 3  # versions of it
BEGUN, OUTDATED = ("house-price", 3), ("credit-risk", 3)
SAID: dict[str, Any] = {
    "owner_team": "growth",
    "license": "Proprietary",
    "intended_use": "Chooses which customers the retention desk calls first. The desk decides what it offers them.",
    "users": ["Retention desk", "Its team leads, for planning shifts"],
    "out_of_scope_use": ["Prices and credit limits", "Customers of less than three months"],
    "architecture": "A logistic regression on all features, each scaled to unit variance.",
    "metric_rationale": "The desk calls the top tenth of the list: what matters is how many of those would have left.",
    "test_data": [{"name": "churn-2026q3 hold-out", "rows": "375", "period": "2026 Q3", "sensitive": "none"}],
    "limitations": ["Trained on one quarter: the effect of the winter campaign is not in the data."],
    "tradeoffs": ["Recall was preferred to precision: a call too many costs less than a customer."],
    "biases": [{"harm": "Prepaid customers are called less often than they leave.", "group": "Prepaid customers",
                "mitigation": "The desk keeps a tenth of its calls for them."}],
    "fairness": "Recall was compared between prepaid and contract customers: 0.61 against 0.70.",
    "ethical_considerations": [{"risk": "Customers may feel watched when the reason of a call is told.",
                                "severity": "low", "mitigation": "The desk does not tell the score."}],
    "recommendations": ["Compare its hit rate with a random list each month."],
    "human_oversight": "The desk sees the five strongest reasons beside each name, and may strike any name.",
    "monitoring_plan": "Hit rate of the list by week; below 20 % for two weeks, the model goes back to review.",
    "rollback_plan": "The list by tenure alone, which the desk used before; it is still made each night.",
}  # fmt: skip
DRAFT = {"intended_use": "Estimates a sale price for the valuation page.", "limitations": ["TBD"]}


def seed_cards(*, own_mlflow: bool) -> None:
    """Make the cards that are not there yet. Raises DomainError when MLflow or a rule stands in the way.

    One gets out of step by a metric that is logged after it was made: in the demo's `own_mlflow` alone.
    """
    _approved()
    if _card(MODEL, CARRIED) is None and _version(MODEL, CARRIED):
        _read(MODEL, CARRIED)
        services.start(MODEL, CARRIED, by=_person("alice"))
    if _card(*BEGUN) is None and _version(*BEGUN):
        _read(*BEGUN)
        services.start(*BEGUN, by=_person("alice"))
        services.save(*BEGUN, Edit(DRAFT), base=1, by=_person("alice"))
    outdated = _version(*OUTDATED)
    if outdated and _card(*OUTDATED) is None:
        _read(*OUTDATED)
        services.start(*OUTDATED, by=_person("alice"))
        if own_mlflow:
            _log_later(outdated)
            _read(*OUTDATED)


def _approved() -> None:
    """Make the card that alice wrote and confirmed, and erin approved."""
    if _card(MODEL, APPROVED) is not None or _version(MODEL, APPROVED) is None:
        return
    alice, erin = _person("alice"), _person("erin")
    _read(MODEL, APPROVED)
    started = services.start(MODEL, APPROVED, by=alice)
    suggested = [name for name in ("authors", "model_type", "task") if name in started.values]
    row = services.save(MODEL, APPROVED, Edit(SAID, frozenset([*SAID, *suggested])), base=1, by=alice)
    lifecycle.take("submit", MODEL, APPROVED, seen=row.digest, by=alice)
    lifecycle.take("approve", MODEL, APPROVED, seen=row.digest, by=erin)


def _log_later(version: ModelVersion) -> None:
    """Log what an audit measured afterwards on the run of a version."""
    now = int(timezone.now().timestamp() * 1000)
    metric = {"run_id": version.run_id, "key": "recall_in_audit", "value": 0.71, "timestamp": now, "step": 0}
    with connections.calls_for(version.model) as client:
        client.ask("POST", "runs/log-metric", json=metric)


def _version(name: str, number: int) -> ModelVersion | None:
    return ModelVersion.objects.filter(model__name=name, number=number, deleted_at=None, model__deleted_at=None).first()


def _card(name: str, number: int) -> Card | None:
    return Card.objects.filter(version__model__name=name, version__number=number).first()


def _read(name: str, number: int) -> None:
    """Have the run and the files of a version read now: they are the facts of its card."""
    if version := _version(name, number):
        mirror.refresh_version(version.pk)


def _person(name: str) -> User:
    return User.objects.get(username=name)
