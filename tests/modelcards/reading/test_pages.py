import re

import pytest
from django.urls import reverse

from apps.jobs.models import Job
from apps.modelcards import comments, lifecycle, queries, services
from apps.modelcards.filling import Edit
from apps.modelcards.formats.forms import EXPORTS
from apps.modelcards.models import Card, CardComment
from apps.registry.details.jobs import VERSION
from apps.registry.details.keeping import COMPLETE
from apps.registry.models import ModelVersion, RegisteredModel
from tests.builders import make_version
from tests.modelcards.conftest import fill

pytestmark = pytest.mark.django_db
HERE = "/models/churn/v/1/card/"


def text_of(client, person, path: str = HERE) -> str:
    client.force_login(person)
    return client.get(path).content.decode()


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def submitted(card, alice) -> Card:
    RegisteredModel.objects.update(risk="low")
    fill(alice)
    return lifecycle.take("submit", "churn", 1, seen=Card.objects.get().digest, by=alice)


def test_a_version_without_a_card_offers_to_start_one(client, version, alice):
    assert "Start the card" in text_of(client, alice)


def test_a_viewer_is_not_offered_to_start_a_card(client, version, charlie):
    assert "Start the card" not in text_of(client, charlie)


def test_starting_leads_to_the_card(client, version, alice):
    client.force_login(alice)
    assert client.post(f"{HERE}start/").headers["Location"] == HERE
    assert Card.objects.get().number == 1


def test_starting_twice_is_refused_on_the_page(client, card, alice):
    client.force_login(alice)
    answer = client.post(f"{HERE}start/")
    assert (answer.status_code, "has a card already" in answer.content.decode()) == (409, True)


def test_every_field_says_where_it_comes_from(client, card, alice):
    text = plain(text_of(client, alice))
    assert "Prefilled from the run" in text
    assert "Prefilled from the registry" in text


def test_a_confirmed_field_names_who_confirmed_it(client, card, alice):
    fill(alice)
    assert "Confirmed by alice" in plain(text_of(client, alice))


def test_what_is_missing_leads_to_its_field(client, card, alice):
    html = text_of(client, alice)
    assert '#field-intended_use">Intended use</a>' in html
    assert 'id="field-intended_use"' in html


def test_a_reason_why_a_field_does_not_apply_is_shown(client, card, alice):
    services.save("churn", 1, Edit(lacking={"biases": "No people are concerned."}), base=1, by=alice)
    assert "No people are concerned." in text_of(client, alice)


def test_an_override_shows_both_values_and_its_reason(client, card, alice):
    edit = Edit({"date": "2026-01-01"}, overrides={"date": "It was trained in January."})
    services.save("churn", 1, edit, base=1, by=alice)
    text = plain(text_of(client, alice))
    assert "It was trained in January." in text
    assert "2026-05-04" in text
    assert "2026-01-01" in text


def test_a_fact_that_changed_in_mlflow_is_told_with_both_values(client, card, alice):
    ModelVersion.objects.update(params={"depth": "7"})
    text = plain(text_of(client, alice))
    assert "MLflow says otherwise now." in text
    assert "removed: − 3 added: + 7" in text


def test_taking_the_facts_anew_makes_a_revision(client, card, alice):
    ModelVersion.objects.update(params={"depth": "7"})
    client.force_login(alice)
    client.post(f"{HERE}refresh/", {"base": "1"})
    assert queries.get_card(alice, "churn", 1).number == 2


def test_taking_the_facts_anew_from_an_older_page_is_refused(client, card, alice):
    fill(alice)
    client.force_login(alice)
    assert client.post(f"{HERE}refresh/", {"base": "1"}).status_code == 409


@pytest.mark.parametrize("base", ["", "x", "-1", "9" * 30, "٣"])
def test_a_base_that_is_no_number_is_refused(client, card, alice, base):
    client.force_login(alice)
    assert client.post(f"{HERE}refresh/", {"base": base}).status_code == 400


def test_only_steps_that_the_person_may_take_are_offered(client, submitted, alice, erin):
    assert "steps/approve/" not in text_of(client, alice)
    assert "steps/approve/" in text_of(client, erin)


def test_a_reviewer_approves_what_they_read(client, submitted, erin):
    client.force_login(erin)
    client.post(f"{HERE}steps/approve/", {"seen": submitted.digest})
    assert Card.objects.get().state == "approved"


def test_approving_what_was_changed_meanwhile_is_refused_on_the_page(client, submitted, erin):
    client.force_login(erin)
    answer = client.post(f"{HERE}steps/approve/", {"seen": "0" * 64})
    assert answer.status_code == 409
    assert "The card was changed since you read it" in answer.content.decode()


def test_a_refused_step_keeps_what_was_typed(client, submitted, erin):
    client.force_login(erin)
    answer = client.post(f"{HERE}steps/send_back/", {"seen": "0" * 64, "reason": "Say who is called."})
    assert ">Say who is called.</textarea>" in answer.content.decode()


def test_an_unknown_step_is_not_found(client, submitted, erin):
    client.force_login(erin)
    assert client.post(f"{HERE}steps/dance/", {"seen": submitted.digest}).status_code == 404


def test_a_comment_is_kept_and_leads_back_to_its_section(client, card, erin):
    client.force_login(erin)
    answer = client.post(f"{HERE}comments/", {"section": "use", "body": "Who is called?"})
    assert answer.headers["Location"] == f"{HERE}#use"
    assert "Who is called?" in text_of(client, erin)


def test_a_comment_on_no_section_keeps_nothing_and_names_the_fault(client, card, erin):
    client.force_login(erin)
    assert client.post(f"{HERE}comments/", {"section": "poetry", "body": "Hm."}).status_code == 400
    assert not CardComment.objects.exists()


def test_a_comment_that_is_too_long_stands_in_its_form_again(client, card, erin):
    client.force_login(erin)
    answer = client.post(f"{HERE}comments/", {"section": "use", "body": "w" * 6000})
    assert answer.status_code == 400
    assert "w" * 6000 in answer.content.decode()


def test_a_comment_is_resolved_from_the_page(client, card, erin, alice):
    said = comments.add("churn", 1, section="use", body="Who is called?", by=erin)
    client.force_login(alice)
    client.post(f"{HERE}comments/{said.pk}/resolve/")
    said.refresh_from_db()
    assert said.resolved_by == alice


def test_markdown_of_a_card_brings_no_script_and_no_picture(client, card, alice):
    values = {"intended_use": "<script>alert(1)</script> ![x](https://evil.example.org/x.png) [y](javascript:alert(1))"}
    services.save("churn", 1, Edit(values), base=1, by=alice)
    html = text_of(client, alice)
    assert "<script>alert(1)" not in html
    assert 'src="https://evil' not in html
    assert 'href="javascript' not in html


def test_an_older_revision_stays_as_it_was(client, card, alice):
    fill(alice)
    text = plain(text_of(client, alice, f"{HERE}revisions/1/"))
    assert "Supports the retention team" not in text
    assert "The newest one is revision 2." in text


@pytest.mark.parametrize("number", [0, 3, 2**31, 2**70])
def test_a_revision_that_there_is_not_is_not_found(client, card, alice, number):
    client.force_login(alice)
    assert client.get(f"{HERE}revisions/{number}/").status_code == 404


@pytest.mark.parametrize("path", ["", "history/", "revisions/1/", "compare/", "badge.svg"])
def test_a_stranger_finds_nothing(client, card, mallory, path):
    client.force_login(mallory)
    assert client.get(HERE + path).status_code == 404


@pytest.mark.parametrize("path", ["start/", "refresh/", "steps/approve/", "comments/", "comments/1/resolve/"])
def test_a_stranger_does_nothing(client, card, mallory, path):
    client.force_login(mallory)
    assert (
        client.post(HERE + path, {"base": "1", "section": "use", "body": "x", "seen": card.digest}).status_code == 404
    )


def test_figures_of_the_run_are_shown_from_the_pictures_of_the_version(client, version, alice):
    version.pictures = [{"path": "roc.png", "title": "ROC"}, {"path": "cm.png", "title": "Confusion matrix"}]
    version.save()
    services.start("churn", 1, by=alice)
    assert 'src="/models/churn/v/1/pictures/1/"' in text_of(client, alice)


def test_pictures_that_nobody_looked_for_yet_are_read_for_a_card_that_is_started(version, alice):
    services.start("churn", 1, by=alice)
    assert Job.objects.get(kind=VERSION).args["version"] == version.pk


def test_whoever_opens_a_card_is_told_that_more_is_read(client, card, alice):
    assert "More is being read from MLflow." in text_of(client, alice)
    assert Job.objects.filter(kind=VERSION).count() == 1


def test_a_card_of_a_version_that_was_read_whole_waits_for_nothing(client, card, alice):
    ModelVersion.objects.update(environment={COMPLETE: True})
    assert "More is being read" not in text_of(client, alice)


def test_an_older_revision_has_nothing_read(client, card, alice):
    fill(alice)
    assert "More is being read" not in text_of(client, alice, f"{HERE}revisions/1/")


def test_a_figure_that_the_run_lost_is_no_broken_picture(client, version, alice):
    version.pictures = [{"path": "roc.png", "title": "ROC"}]
    version.save()
    services.start("churn", 1, by=alice)
    ModelVersion.objects.update(pictures=[])
    assert "/pictures/" not in text_of(client, alice)


def test_the_card_of_a_deleted_version_can_be_read_and_not_changed(client, card, alice):
    ModelVersion.objects.update(deleted_at=card.updated_at)
    html = text_of(client, alice)
    assert "Its card stays as it is" in html
    assert "card/refresh/" not in html


def test_metrics_are_drawn_and_stand_in_a_table(client, card, alice):
    html = text_of(client, alice)
    assert 'class="chart-bar"' in html
    assert "0.9" in html


def test_five_hundred_metrics_take_as_many_queries_as_one(client, version, alice, django_assert_num_queries):
    services.start("churn", 1, by=alice)
    many = make_version(version.model, 2, metrics={f"metric_{n}": n / 500 for n in range(500)})
    services.start("churn", many.number, by=alice)
    for number in range(3):
        comments.add("churn", many.number, section="use", body=f"Comment {number}.", by=alice)
    ModelVersion.objects.update(environment={COMPLETE: True})  # else one more, for what is still to be read
    client.force_login(alice)
    client.get(HERE)
    with django_assert_num_queries(14):
        client.get(HERE)
    with django_assert_num_queries(14):
        client.get("/models/churn/v/2/card/")


def test_the_page_links_to_itself(client, card, alice):
    assert f"http://testserver{reverse('modelcards:card', args=['churn', 1])}" in text_of(client, alice)


def test_a_card_links_every_form_that_it_is_written_in(client, card, alice):
    text = text_of(client, alice)
    missing = [form for form in EXPORTS if f'href="{HERE}export/{form}/"' not in text]
    assert missing == []


def test_an_older_revision_links_the_files_of_itself(client, card, alice):
    fill(alice)
    assert f'href="{HERE}export/md/?lang=ja&amp;revision=1"' in text_of(client, alice, f"{HERE}revisions/1/")


def test_whoever_writes_finds_the_import_and_the_lines_of_a_training_script(client, card, alice):
    text = text_of(client, alice)
    assert f'href="{HERE}import/"' in text
    assert "fill_card(&#x27;churn&#x27;, 1" in text


def test_a_card_that_is_not_started_can_be_filled_from_a_training_script(client, version, alice):
    assert "fill_card(&#x27;churn&#x27;, 1" in text_of(client, alice)


def test_a_viewer_is_offered_no_import(client, card, charlie):
    text = text_of(client, charlie)
    assert f'href="{HERE}import/"' not in text
    assert "fill_card(" not in text
