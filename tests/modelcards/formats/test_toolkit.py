"""Cards of Google's Model Card Toolkit, schema v0.0.2."""

from apps.modelcards.formats import toolkit

CARD = {
    "schema_version": "0.0.2",
    "model_details": {
        "name": "mood", "overview": "How a text sounds.", "owners": [{"name": "alice", "contact": "alice@example.com"}],
        "version": {"name": "1.1", "date": "2026-11-30", "diff": "Larger."},
        "licenses": [{"identifier": "MIT"}], "references": [{"reference": "https://example.com"}],
        "citations": [{"style": "APA", "citation": "A. (2026)."}],
    },
    "model_parameters": {
        "model_architecture": "LSTM", "input_format": "text",
        "data": [{"name": "IMDB train", "link": "https://example.com/imdb", "sensitive": {"sensitive_data": ["names"]},
                  "graphics": {"description": "", "collection": [{"name": "lengths", "image": "iVBORw0"}]}},
                 {"name": "IMDB eval"}],
    },
    "quantitative_analysis": {"performance_metrics": [
        {"type": "f1", "value": "0.9", "slice": "long",
         "confidence_interval": {"lower_bound": "0.8", "upper_bound": "1"}},
    ]},
    "considerations": {
        "users": [{"description": "Ops"}], "use_cases": [{"description": "Sorting"}, {"description": "Counting"}],
        "limitations": [{"description": "English only"}], "tradeoffs": [{"description": "Speed"}],
        "ethical_considerations": [{"name": "Irony", "mitigation_strategy": "Read it"}],
    },
}  # fmt: skip


def test_a_toolkits_card_is_read():
    values = dict(toolkit.read(CARD).content.values)
    extra = values.pop("extra")
    assert values == {
        "model_name": "mood", "version": "1.1", "date": "2026-11-30", "license": "MIT", "architecture": "LSTM",
        "authors": [{"name": "alice", "contact": "alice@example.com"}], "references": ["https://example.com"],
        "training_data": [{"name": "IMDB train", "source": "https://example.com/imdb", "sensitive": "names"}],
        "test_data": [{"name": "IMDB eval"}], "users": ["Ops"], "intended_use": "- Sorting\n- Counting",
        "performance_metrics": [{"name": "f1", "value": "0.9", "slice": "long", "ci": "0.8 to 1"}],
        "limitations": ["English only"], "tradeoffs": ["Speed"],
        "ethical_considerations": [{"risk": "Irony", "mitigation": "Read it"}],
    }  # fmt: skip
    assert extra.pop("model_parameters.data").startswith("[{")  # it says more than a card: which pictures there are
    assert extra == {
        "model_details.overview": "How a text sounds.", "model_details.version.diff": "Larger.",
        "model_details.citations": '[{"style": "APA", "citation": "A. (2026)."}]',
        "model_parameters.input_format": "text",
    }  # fmt: skip


def test_pictures_are_listed_as_lost():
    assert [loss.path for loss in toolkit.read(CARD).losses] == [
        "model_parameters.data.0.graphics.collection.0.image"
    ]  # fmt: skip


def test_a_part_of_another_shape_is_kept_as_it_is():
    card = {"model_details": {"name": ["two", "names"], "owners": "alice", "version": "1"}}
    assert toolkit.read(card).content.values == {
        "extra": {
            "model_details.name": '["two", "names"]',
            "model_details.owners": "alice",
            "model_details.version": "1",
        }
    }


def test_a_document_that_says_nothing_is_an_empty_card():
    assert toolkit.read({"schema_version": "0.0.2", "model_details": {"owners": []}}).content.values == {}
