"""A card is written in the browser: from a new version to a check that passes, by keys alone, without JavaScript."""

import pytest
from playwright.sync_api import Page, Route, expect

from apps.accounts.models import User
from apps.accounts.roles import DATA_SCIENTIST, ML_ENGINEER
from apps.approvals import checks
from apps.modelcards import queries, services
from apps.modelcards.filling import Edit
from apps.modelcards.models import CardDraft
from apps.modelcards.schema.fields import BY_NAME, Origin
from apps.modelcards.schema.sections import Section
from apps.registry.models import ModelVersion
from tests.browser.conftest import become, listen
from tests.browser.test_keyboard import MOST_STEPS, OUTLINE
from tests.builders import make_model, make_version
from tests.conftest import member

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COUNT_KEYS = """
addEventListener("input", (event) => { if (event.data) window.typed(event.target.name, event.data.length); });
"""
PROSE = {  # what nothing but a person knows, at the tier low
    "intended_use": "Supports the retention team in choosing whom to call first.",
    "users-0": "Retention team",
    "license": "Proprietary",
    "limitations-0": "Trained on May alone, so it knows no summer.",
    "tradeoffs-0": "Recall was given up for precision.",
}
SAVE = {"name": "Save", "exact": True}


def edit_page(section: str) -> str:
    return f"/models/churn/v/1/card/edit/{section}/"


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the focus is on the element of this id. Each stop on the way shows its focus."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.id")
        assert (focused, page.evaluate(OUTLINE)) != (focused, "none")
        if focused == wanted:
            return
    raise AssertionError(f"{wanted!r} cannot be reached by Tab")


@pytest.fixture
def alice(db) -> User:
    return member("alice", DATA_SCIENTIST)


@pytest.fixture
def version(alice) -> ModelVersion:
    """A new version as training leaves it, with its card started."""
    model = make_model("churn")
    model.tags, model.risk = {"owner": "growth", "risk": "low"}, "low"
    model.save()
    data = [{"name": "may", "digest": "d1", "context": "train"}, {"name": "june", "digest": "d2", "context": "test"}]
    params = {"estimator": "RandomForestClassifier", "max_depth": "10"}
    mlmodel = {"flavors": {"sklearn": {}, "python_function": {"python_version": "3.11.7"}}, "mlflow_version": "3.1"}
    made = make_version(model, 1, datasets=data, params=params, mlmodel=mlmodel, artifact_digest="f" * 64)
    services.start("churn", 1, by=alice)
    return made


@pytest.fixture
def open_page(version, alice, open_browser, live_server):
    """Open a page of alice's; options are Playwright's."""

    def opened(**options) -> Page:
        context = open_browser(**options)
        become(context, alice, live_server.url)
        return context.new_page()

    return opened


def said(name: str):
    card = queries.card_of(ModelVersion.objects.get(model__name="churn", number=1))
    return queries.revision(card).values.get(name)


def test_a_new_version_has_a_complete_card_with_no_fact_typed(open_page, version):
    page = open_page()
    heard, typed = listen(page), dict[str, int]()
    page.expose_function("typed", lambda name, count: typed.update({name: typed.get(name, 0) + count}))
    page.add_init_script(COUNT_KEYS)
    assert next(row for row in checks.run(version, "Production") if row.name == "card").outcome == "fail"
    page.goto(edit_page("basics"))
    for section in list(Section)[:-1]:
        expect(page.get_by_role("link", name=str(section), exact=False).first).to_be_attached()
        for name, text in PROSE.items():
            if BY_NAME[name.partition("-")[0]].section == section:
                page.locator(f"#{name}").press_sequentially(text)
        page.get_by_role("button", name="Confirm all that is filled in").click()
        expect(page.get_by_role("status").first).to_contain_text("revision")
        page.get_by_role("button", name="Save and go to").click()
        expect(page).not_to_have_url(edit_page(section))
    facts = {name: count for name, count in typed.items() if BY_NAME[name.partition("-")[0]].origin is Origin.FACT}
    assert facts == {}
    assert typed == {name: len(text) for name, text in PROSE.items()}
    result = next(row for row in checks.run(version, "Production") if row.name == "card")
    assert (result.outcome, heard) == ("pass", [])


def test_a_section_is_written_by_the_keyboard_alone(open_page):
    page = open_page()
    page.goto(edit_page("use"))
    tab_to(page, "intended_use")
    page.keyboard.type(PROSE["intended_use"])
    tab_to(page, "intended_use-confirm")
    page.keyboard.press("Space")
    tab_to(page, "users-0")
    page.keyboard.type("営業")
    tab_to(page, "users-add")
    page.keyboard.press("Enter")
    expect(page.locator("#users-1")).to_be_focused()
    page.keyboard.type("Support")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("status").first).to_contain_text("Saved as revision 2.")
    assert (said("users"), said("intended_use")) == (["営業", "Support"], PROSE["intended_use"])


def test_a_card_is_written_without_javascript(open_page):
    page = open_page(java_script_enabled=False)
    page.goto(edit_page("use"))
    page.locator("#intended_use").fill("Choosing **whom** to call first.")
    page.locator("button[value=preview-intended_use]").click()
    expect(page.get_by_role("region", name="Preview: Intended use").locator("strong")).to_have_text("whom")
    page.locator("#users-0").fill("Sales")
    page.locator("#users-add").click()
    page.locator("#users-1").fill("Support")
    page.get_by_role("button", name="Keep as draft").click()
    expect(page.locator("#users-1")).to_have_value("Support")
    page.get_by_role("button", **SAVE).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved as revision 2.")
    assert said("users") == ["Sales", "Support"]


def test_a_closed_tab_loses_nothing(open_page):
    page = open_page()
    page.goto(edit_page("use"))
    page.locator("#intended_use").press_sequentially("Half a sent")
    expect(page.locator("[data-kept]")).to_contain_text("Kept as your draft at")
    page.close()
    again = open_page()
    again.goto(edit_page("use"))
    expect(again.locator("#intended_use")).to_have_value("Half a sent")
    again.get_by_role("button", name="Discard what I typed").click()
    expect(again.locator("#intended_use")).to_have_value("")
    assert not CardDraft.objects.exists()


def test_a_server_that_is_away_is_said_and_tried_again(open_page):
    page = open_page()
    page.goto(edit_page("use"))
    away = {"left": 1}

    def answer(route: Route) -> None:
        away["left"] -= 1
        route.abort() if away["left"] >= 0 else route.continue_()

    page.route("**/draft/", answer)
    page.locator("#intended_use").press_sequentially("Half a sent")
    expect(page.locator("[data-kept]")).to_contain_text("the server does not answer")
    expect(page.locator("[data-kept]")).to_contain_text("Kept as your draft at")
    assert CardDraft.objects.get().posted["intended_use"] == ["Half a sent"]


def test_what_somebody_else_changed_too_is_chosen_between(open_page):
    page = open_page()
    page.goto(edit_page("use"))
    services.save("churn", 1, Edit({"users": ["Sales of bob"]}), base=1, by=member("bob", ML_ENGINEER))
    page.locator("#users-0").fill("Support of alice")
    page.get_by_role("button", **SAVE).click()
    expect(page).to_have_title("Error: Edit Use · churn v1 · Assent")
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("link", name="Users", exact=True).first.click()
    expect(page.locator("#users-theirs")).to_be_focused()
    page.get_by_label("Yours, as it stands below").check()
    page.locator("#users-0").fill("Support of alice, and sales")
    page.get_by_role("button", **SAVE).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved as revision 3.")
    assert said("users") == ["Support of alice, and sales"]


def test_a_changed_text_takes_its_confirmation_along(open_page, alice):
    confirmed = Edit({"intended_use": PROSE["intended_use"]}, frozenset({"intended_use"}))
    services.save("churn", 1, confirmed, base=1, by=alice)
    page = open_page()
    page.goto(edit_page("use"))
    box = page.get_by_label("Confirm: Intended use")
    expect(box).to_be_checked()
    page.locator("#intended_use").press_sequentially(" Monthly.")
    expect(box).not_to_be_checked()
