import pytest

from apps.modelcards import queries, services
from apps.modelcards.filling import Edit
from apps.modelcards.models import Card
from tests.builders import make_model, make_version

PROSE = {
    "intended_use": "Supports the retention team in choosing whom to call first.",
    "users": ["Retention team"],
    "authors": [{"name": "alice"}],
    "owner_team": "growth",
    "license": "Proprietary",
    "model_type": "Random Forest Classifier",
    "architecture": "One hundred trees of depth three behind a scaler.",
    "test_data": [{"name": "june", "rows": "20,000"}],
}  # what people write for Staging at any tier, on a version as tests.builders makes it
LACKING = {"limitations": ["Trained on May alone."]}


@pytest.fixture
def version(db):
    return make_version(make_model(), 1, artifact_digest="f" * 64)


@pytest.fixture
def card(version, alice) -> Card:
    """The card of churn v1, as it was started by alice."""
    services.start("churn", 1, by=alice)
    return Card.objects.get(version=version)


def fill(by, *, number: int = 1, values=None, base: int | None = None):
    """Save and confirm values as a person, on the newest revision unless told otherwise."""
    values = PROSE if values is None else values
    newest = queries.get_card(by, "churn", number).number
    edit = Edit(values, confirm=frozenset(values))
    return services.save("churn", number, edit, base=newest if base is None else base, by=by)
