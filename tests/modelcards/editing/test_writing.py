"""A section is written: what is typed, confirmed, left out, said otherwise, and what MLflow knows."""

import re

import pytest

from apps.modelcards import services
from apps.modelcards.editing.cells import about
from apps.modelcards.filling import Edit
from apps.modelcards.models import CardDraft
from apps.modelcards.schema.fields import BY_NAME
from apps.modelcards.schema.sections import Section
from tests.builders import make_version
from tests.modelcards.editing.conftest import USE, address, newest, shown_fields

pytestmark = pytest.mark.django_db
ACCURACY = about(BY_NAME["performance_metrics"], {"name": "accuracy", "run_id": "run1"})


def ticked(page: str, name: str) -> str:
    """Return what the box of a field holds."""
    return re.search(f'name="{name}-confirm"[^>]*value="([^"]*)"', page)[1]


@pytest.mark.parametrize("section", Section)
def test_every_section_has_a_page(look, section):
    assert 'name="base" value="1"' in look(section)


def test_what_is_typed_is_saved_and_confirmed(send, alice):
    answer = send({"intended_use": USE, "intended_use-confirm": "1", "users-0": "営業", "users-3": "Support"})
    assert (answer.status_code, answer["Location"]) == (302, address())
    row = newest(alice)
    assert (row.values["intended_use"], row.values["users"]) == (USE, ["営業", "Support"])
    assert (row.states["intended_use"]["by"], row.states["users"]["state"]) == ("alice", "edited")


def test_saving_may_go_on_to_the_next_section(send):
    assert send({"users-0": "Sales"}, do="next")["Location"] == address("risks")


def test_a_form_as_it_was_shown_changes_nothing(send, look, alice):
    send({"intended_use": USE, "intended_use-confirm": "1", "users-0": "Sales"})
    send({"version": "2.1.0", "version-why": "Our own numbering."}, section="basics", base=2)
    for section in Section:
        fields = shown_fields(look(section))
        assert "base" in fields
        assert send({**fields, "do": "save"}, section=section, base=3).status_code == 302
    assert newest(alice).number == 3


def test_facts_are_no_inputs(look):
    page = look("basics")
    assert "from MLflow&#x27;s registry" in page or "from MLflow's registry" in page
    assert "autofocus" not in page


def test_a_threshold_goes_with_a_metric_that_nobody_typed(send, alice):
    send(
        {
            "performance_metrics-0-of": ACCURACY,
            "performance_metrics-0-threshold": "0.85",
            "performance_metrics-0-direction": "higher",
            "performance_metrics-listed": "1",
        },
        section="performance",
    )
    assert newest(alice).values["performance_metrics"] == [
        {"name": "accuracy", "value": "0.9", "run_id": "run1", "direction": "higher", "threshold": "0.85"}
    ]


def test_locked_parts_in_a_forged_form_are_not_taken(send, alice):
    send(
        {
            "performance_metrics-0-of": ACCURACY,
            "performance_metrics-0-value": "1.0",
            "performance_metrics-0-threshold": "0.85",
        },
        section="performance",
    )
    assert newest(alice).values["performance_metrics"][0]["value"] == "0.9"


def test_a_metric_that_changes_while_somebody_types_is_saved_as_mlflow_says_it(send, card, alice):
    card.version.metrics = {"accuracy": 0.7, "f1": 0.6}
    card.version.save()
    send(
        {
            "performance_metrics-0-of": ACCURACY,
            "performance_metrics-0-threshold": "0.85",
            "performance_metrics-listed": "1",
        },
        section="performance",
    )
    rows = {row["name"]: row for row in newest(alice).values["performance_metrics"]}
    assert (rows["accuracy"]["value"], rows["accuracy"]["threshold"], rows["f1"]["value"]) == ("0.7", "0.85", "0.6")


def test_a_slice_is_a_row_of_ones_own(send, alice):
    send(
        {
            "performance_metrics-listed": "1",
            "performance_metrics-4-name": "accuracy",
            "performance_metrics-4-value": "0.81",
            "performance_metrics-4-slice": "under 25",
        },
        section="performance",
    )
    assert [row.get("slice") for row in newest(alice).values["performance_metrics"]] == [None, "under 25"]


def test_many_facts_are_lines_until_somebody_adds_to_one(send, look, card, alice):
    card.version.metrics = {"accuracy": 0.9} | {f"m{number:03}": float(number) for number in range(299)}
    card.version.save()
    assert look("performance").count("performance_metrics-0-threshold") == 0
    of = about(BY_NAME["performance_metrics"], {"name": "m007", "run_id": "run1"})
    page = send({}, section="performance", do=f"open-performance_metrics-{of}").content.decode()
    assert page.count('name="performance_metrics-0-threshold"') == 1
    send(
        {"performance_metrics-0-of": of, "performance_metrics-0-threshold": "6", "performance_metrics-listed": "1"},
        section="performance",
    )
    rows = newest(alice).values["performance_metrics"]
    assert (len(rows), rows[8]["threshold"]) == (300, "6")


def test_a_data_set_takes_details_under_names_of_ones_own(send, alice):
    send(
        {"test_data-0-name": "june", "test_data-0-details-0-name": "期間", "test_data-0-details-0-text": "Q3"},
        section="data",
    )
    assert newest(alice).values["test_data"] == [{"name": "june", "details": {"期間": "Q3"}}]


def test_removing_every_row_empties_a_field(send, alice):
    send({"biases-0-harm": "Called less often.", "biases-listed": "1"}, section="risks")
    send({"biases-listed": "1"}, section="risks", base=2)
    assert "biases" not in newest(alice).values


def test_saying_otherwise_takes_a_reason_and_keeps_both(send, look, alice):
    answer = send({"version": "2.1.0"}, section="basics")
    assert (answer.status_code, "say why the card says something else" in answer.content.decode()) == (400, True)
    send({"version": "2.1.0", "version-why": "Our own numbering."}, section="basics")
    assert newest(alice).states["version"]["override"]["fact"] == "1"
    page = look("basics")
    assert "MLflow says" in page
    assert "Our own numbering." in page


def test_a_reason_without_another_value_is_asked_about(send):
    answer = send({"version": "1", "version-why": "Our own numbering."}, section="basics")
    assert "this is what MLflow says" in answer.content.decode()


def test_a_reason_that_is_taken_away_is_asked_for(send):
    send({"version": "2.1.0", "version-why": "Our own numbering."}, section="basics")
    assert send({"version": "2.1.0", "version-why": ""}, section="basics", base=2).status_code == 400


def test_taking_what_mlflow_says_ends_saying_otherwise(send, alice):
    send({"version": "2.1.0", "version-why": "Our own numbering."}, section="basics")
    send({"version": "2.1.0", "version-why": "Our own numbering."}, section="basics", base=2, do="agree-version")
    assert (newest(alice).values["version"], newest(alice).states["version"]["state"]) == ("1", "prefilled")


def test_records_are_written_otherwise_after_a_button(send, alice):
    page = send({}, section="performance", do="differ-performance_metrics").content.decode()
    assert 'name="performance_metrics-0-value"' in page
    row = {"name": "accuracy", "value": "0.95", "run_id": "run1"}
    said = {"performance_metrics-differ": "1", "performance_metrics-listed": "1"}
    said |= {f"performance_metrics-0-{name}": text for name, text in row.items()}
    assert send(said, section="performance").status_code == 400
    send(said | {"performance_metrics-why": "The run logged the wrong split."}, section="performance")
    row = newest(alice)
    assert row.values["performance_metrics"] == [{"name": "accuracy", "value": "0.95", "run_id": "run1"}]
    send(said, section="performance", base=2, do="agree-performance_metrics")
    assert newest(alice).values["performance_metrics"][0]["value"] == "0.9"


def test_a_field_may_be_said_not_to_apply_and_to_apply_again(send, alice):
    send({"fairness-lacks": "No people are in the data.", "fairness": ""}, section="risks")
    assert newest(alice).states["fairness"]["reason"] == "No people are in the data."
    send({"fairness-lacks": "", "fairness": "Both groups were compared."}, section="risks", base=2)
    assert newest(alice).values["fairness"] == "Both groups were compared."


def test_a_field_with_a_value_applies(send):
    answer = send({"fairness-lacks": "No people.", "fairness": "Both were compared."}, section="risks")
    assert (answer.status_code, "The field has a value, so it applies" in answer.content.decode()) == (400, True)


def test_a_changed_text_is_to_be_confirmed_again(send, look, alice):
    send({"intended_use": USE, "intended_use-confirm": "1"})
    held = ticked(look(), "intended_use")
    send({"intended_use": USE + " Monthly.", "intended_use-confirm": held}, base=2)
    assert newest(alice).states["intended_use"]["state"] == "edited"


def test_a_confirmation_stays_while_its_text_does(send, look, alice):
    send({"intended_use": USE, "intended_use-confirm": "1"})
    held = ticked(look(), "intended_use")
    send({"intended_use": USE, "intended_use-confirm": held, "users-0": "Sales"}, base=2)
    assert newest(alice).states["intended_use"]["state"] == "confirmed"


def test_a_confirmation_is_taken_back_by_its_box(send, alice):
    send({"intended_use": USE, "intended_use-confirm": "1"})
    send({"intended_use": USE}, base=2)
    assert newest(alice).states["intended_use"]["state"] == "edited"


def test_an_empty_field_is_not_confirmed(send):
    answer = send({"intended_use": "", "intended_use-confirm": "1"})
    assert (answer.status_code, "nothing to confirm" in answer.content.decode()) == (400, True)


def test_everything_that_is_filled_in_is_confirmed_at_once(send, alice):
    send({"intended_use": USE, "users-0": "TBD", "out_of_scope_use-0": ""}, do="confirm")
    states = newest(alice).states
    assert (states["intended_use"]["state"], states["users"]["state"]) == ("confirmed", "edited")
    assert "out_of_scope_use" not in states


def test_confirming_everything_leaves_facts_as_mlflow_has_them(send, look, alice):
    send({"owner_team": "growth", "version": "1", "model_name": "churn"}, section="basics", do="confirm")
    states = newest(alice).states
    assert (states["owner_team"]["state"], states["version"]["state"]) == ("confirmed", "prefilled")


def test_prose_of_the_version_before_says_where_it_is_from(card, alice, client):
    services.save("churn", 1, Edit({"intended_use": USE}, confirm=frozenset({"intended_use"})), base=1, by=alice)
    make_version(card.version.model, 2)
    services.start("churn", 2, by=alice)
    client.force_login(alice)
    page = client.get(address(number=2)).content.decode()
    assert "carried over from version 1" in page
    assert "To be confirmed" in page


@pytest.mark.parametrize("section", Section)
def test_a_page_takes_few_queries(card, alice, client, section, django_assert_max_num_queries):
    client.force_login(alice)
    client.get(address(section))
    with django_assert_max_num_queries(25):
        client.get(address(section))


def test_rows_are_added_and_removed_with_everything_typed_kept(send, alice):
    page = send(
        {"users-0": "Sales", "users-1": "Support", "intended_use": "half a sen"}, do="add-users"
    ).content.decode()
    assert 'name="users-2"' in page
    assert "half a sen" in page
    assert "Support" in page
    page = send({"users-0": "Sales", "users-1": "Support"}, do="remove-users-0").content.decode()
    assert 'name="users-0"' not in page
    assert 'name="users-1"' in page
    assert newest(alice).number == 1


def test_a_preview_shows_safe_html(send):
    page = send({"intended_use": "**Bold** <script>alert(1)</script>"}, do="preview-intended_use").content.decode()
    assert "<strong>Bold</strong>" in page
    assert "<script>alert" not in page


def test_a_preview_for_the_page_in_place_is_that_part_alone(card, alice, client):
    client.force_login(alice)
    answer = client.post(
        address(), {"base": 1, "do": "preview-intended_use", "intended_use": "*so*"}, headers={"HX-Request": "true"}
    )
    assert answer.content.decode().strip().startswith('<div class="card-preview"')


def test_drafts_are_dropped_by_a_save(send, alice):
    send({"users-0": "Sales"}, to="draft/")
    assert CardDraft.objects.count() == 1
    send({"users-0": "Sales"})
    assert CardDraft.objects.count() == 0


def ticks(fields: dict[str, str]) -> dict[str, str]:
    return {**fields, "performance_metrics-confirm": "1", "performance_metrics-0-threshold": "0.1"}


@pytest.mark.parametrize("do", ["save", "confirm"])
def test_a_metric_that_came_while_the_form_was_open_is_looked_at_before_it_is_confirmed(card, send, look, alice, do):
    fields = shown_fields(look("performance"))
    card.version.metrics = {"accuracy": 0.2}
    card.version.save()
    answer = send({**ticks(fields), "do": do}, section="performance", base=1)
    assert (answer.status_code, "MLflow says something else by now" in answer.content.decode()) == (400, True)
    assert newest(alice).number == 1
    again = ticks(shown_fields(answer.content.decode()))
    assert send({**again, "do": do}, section="performance", base=1).status_code == 302
    row = newest(alice)
    assert row.values["performance_metrics"][0]["value"] == "0.2"
    assert row.states["performance_metrics"]["by"] == "alice"


def test_a_metric_that_somebody_else_took_over_meanwhile_is_not_confirmed_unseen(card, send, look, alice, bob):
    fields = shown_fields(look("performance"))
    card.version.metrics = {"accuracy": 0.2}
    card.version.save()
    services.refresh("churn", 1, base=1, by=bob)
    assert send(ticks(fields), section="performance", base=1).status_code in (400, 409)
    assert "by" not in newest(alice).states["performance_metrics"]
