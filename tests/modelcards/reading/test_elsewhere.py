"""Cards on pages of other apps."""

import pytest

from apps.approvals import services as requests
from apps.approvals.models import ApprovalRequest
from apps.modelcards import services
from apps.modelcards.filling import Edit
from apps.modelcards.reading.beside import card_cells
from apps.modelcards.reading.compared import compared
from apps.registry.models import ModelVersion, RegisteredModel
from tests.builders import make_model, make_policy, make_version
from tests.modelcards.conftest import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(client, alice):
    client.force_login(alice)
    return lambda path: client.get(path).content.decode()


def test_the_page_of_a_version_says_what_its_card_lacks(card, read):
    text = read("/models/churn/v/1/")
    assert "% complete for Staging" in text
    assert '/card/#field-intended_use">Intended use</a>' in text


def test_the_page_of_a_version_without_a_card_offers_to_start_one(version, read):
    assert 'action="/models/churn/v/1/card/start/"' in read("/models/churn/v/1/")


def test_a_viewer_is_offered_no_start_on_the_page_of_a_version(version, client, charlie):
    client.force_login(charlie)
    assert "card/start/" not in client.get("/models/churn/v/1/").content.decode()


def test_the_page_of_a_model_shows_the_cards_of_production_and_of_the_candidate(alice, read):
    model = make_model()
    make_version(model, 1, stage="Production")
    make_version(model, 2)
    services.start("churn", 1, by=alice)
    text = read("/models/churn/")
    assert 'href="/models/churn/v/1/card/"' in text
    assert 'href="/models/churn/v/2/card/"' in text


def test_the_list_of_models_shows_the_card_of_the_version_in_production(alice, read):
    model = make_model()
    make_version(model, 1, stage="Production")
    make_version(model, 2)
    for number in (1, 2):
        services.start("churn", number, by=alice)
    text = read("/models/")
    assert 'href="/models/churn/v/1/card/"' in text
    assert "v/2/card/" not in text


def test_the_list_of_models_shows_the_card_of_the_newest_version_else(card, read):
    assert 'href="/models/churn/v/1/card/" aria-label="Card of v1:' in read("/models/")


def test_the_cards_of_a_page_and_what_is_asked_of_them_are_one_query(alice, django_assert_num_queries):
    for name in ("churn", "fraud", "price"):
        make_version(make_model(name=name), 1)
        services.start(name, 1, by=alice)
    rows = [{**row, "href": ""} for row in RegisteredModel.objects.values("id", "risk", "production_number")]
    with django_assert_num_queries(1):
        shown = card_cells(rows)
    assert len(shown) == 3


@pytest.fixture
def asked(alice, erin, bob) -> ApprovalRequest:
    """A request for churn v2, whose card says one thing otherwise than that of v1 in Production."""
    model = make_model()
    make_policy(required_approvals=2)
    make_version(model, 1, stage="Production")
    version = make_version(model, 2)
    services.start("churn", 1, by=alice)
    fill(alice, values={"intended_use": "Supports the retention team every day."})
    services.start("churn", 2, by=alice)
    fill(alice, number=2, values={"intended_use": "Supports the retention team every week."})
    return requests.open_request(version.pk, "Production", reason="Better.", by=alice)


def test_a_request_shows_what_the_card_changed(asked, read):
    text = read(f"/requests/{asked.pk}/")
    assert "/models/churn/v/2/card/compare/?with=1&amp;base=2&amp;other=2" in text
    assert "</span>week" in text


def test_a_request_leads_from_the_check_to_the_card(asked, read):
    assert '<a href="/models/churn/v/2/card/">Open the card</a>' in read(f"/requests/{asked.pk}/")


def test_a_request_links_each_field_that_the_check_misses(asked, read):
    text = read(f"/requests/{asked.pk}/")
    assert '<a href="/models/churn/v/2/card/#field-limitations">Limitations</a>' in text
    assert "#field-intended_use" not in text


def test_a_decided_request_links_nothing_that_is_missing(asked, bob, read):
    requests.act(asked.pk, "reject", by=bob, comment="No.", evidence_digest=asked.evidence_digest)
    assert "#field-limitations" not in read(f"/requests/{asked.pk}/")


def test_a_request_names_the_revision_that_was_signed(asked, erin, read):
    requests.act(asked.pk, "approve", by=erin, evidence_digest=asked.evidence_digest)
    assert "Revision 2 was signed by" in read(f"/requests/{asked.pk}/")


def test_a_decided_request_shows_the_card_as_it_was(asked, alice, bob, read):
    requests.act(asked.pk, "reject", by=bob, comment="No.", evidence_digest=asked.evidence_digest)
    fill(alice, number=2, values={"intended_use": "Something else altogether, every year."})
    text = read(f"/requests/{asked.pk}/")
    assert "</span>week" in text
    assert "altogether" not in text


def test_a_request_about_a_version_without_a_card_shows_none(alice, erin, read):
    make_policy()
    version = make_version(make_model(), 1)
    asked = requests.open_request(version.pk, "Production", reason="Better.", by=alice)
    assert 'id="card-change"' not in read(f"/requests/{asked.pk}/")


@pytest.fixture
def two(alice) -> None:
    """Two versions with cards, of which the second one says otherwise for what it is."""
    model = make_model()
    for number in (1, 2):
        make_version(model, number, metrics={"accuracy": number / 10}, params={"depth": str(number)})
        services.start("churn", number, by=alice)
    fill(alice, number=1, values={"intended_use": "Supports the team in choosing whom to call."})
    fill(alice, number=2, values={"intended_use": "Supports the team in choosing whom to write to."})


def test_a_comparison_says_how_many_fields_of_the_cards_differ(two, read):
    text = read("/compare/?base=churn@1&candidate=churn@2")
    assert '<a href="#card-1">card: 1 field differs</a>' in text
    assert "Intended use" in text
    assert 'href="/models/churn/v/2/card/compare/?with=1"' in text


def test_a_comparison_of_cards_repeats_no_fact_and_shows_what_people_added_to_facts(two, read, alice):
    metrics = ModelVersion.objects.get(number=2).card.revisions.latest("number").values["performance_metrics"]
    slice_ = {"name": "accuracy", "slice": "under 25", "value": "0.15"}
    fill(alice, number=2, values={"performance_metrics": [metrics[0] | {"threshold": "0.1"}, slice_]})
    text = read("/compare/?base=churn@1&candidate=churn@2")
    assert 'id="1-change-performance_metrics"' in text
    assert "under 25" in text
    assert 'id="1-change-hyperparameters"' not in text
    assert "card: 2 fields differ" in text


def test_a_comparison_of_cards_shows_facts_of_which_people_say_otherwise(two, read, alice):
    base = services.queries.get_card(alice, "churn", 2).number
    said = Edit({"version": "2.1.0"}, overrides={"version": "Our own numbering."})
    services.save("churn", 2, said, base=base, by=alice)
    assert 'id="1-change-version"' in read("/compare/?base=churn@1&candidate=churn@2")


def test_a_comparison_with_a_version_without_a_card_says_so(card, read):
    make_version(card.version.model, 2)
    text = read("/compare/?base=churn@1&candidate=churn@2")
    assert "only one of the two has a card" in text
    assert "churn v2 has no card yet." in text


def test_a_comparison_of_versions_without_cards_says_nothing_of_them(version, read):
    make_version(version.model, 2)
    assert 'href="#card-1"' not in read("/compare/?base=churn@1&candidate=churn@2")


def test_cards_cost_a_comparison_one_query_however_many_there_are(two, read, alice, django_assert_num_queries):
    model = RegisteredModel.objects.get()
    for number in (3, 4, 5):
        make_version(model, number)
        services.start("churn", number, by=alice)
    versions = tuple(ModelVersion.objects.select_related("model").order_by("number"))
    with django_assert_num_queries(1):
        assert len(compared(versions)) == 4
