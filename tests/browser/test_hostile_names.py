"""Names that try to be markup, addresses or a mile long, followed through the pages as a person clicks."""

import pytest
from playwright.sync_api import Page, expect

from apps.approvals import services
from tests.browser.conftest import become, listen, sideways
from tests.builders import make_model, make_policy, make_version

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NAMES = {
    "markup": '<script>alert(1)</script> "q" 50% ünï',
    "mile long": "x" * 250,
    "address": "a/b?c=d&e#f~..\\g",
}


def follow(page: Page, link: str) -> list[str]:
    """Click the link of that text, and return what makes the page behind it scroll to the side."""
    page.get_by_role("main").get_by_role("link", name=link, exact=True).first.click()
    page.wait_for_load_state()
    return sideways(page)


@pytest.mark.parametrize("kind", NAMES)
def test_a_hostile_name_is_only_a_name(kind, alice, bob, open_browser, live_server):
    name = NAMES[kind]
    model = make_model(name)
    make_version(model, 1, stage="Production")
    version = make_version(model, 2, description=name, tags={name: name}, params={name: name})
    make_policy("Production")
    asked = services.open_request(version.pk, "Production", reason=name, by=alice)
    context = open_browser(viewport={"width": 320, "height": 700})
    become(context, alice, live_server.url)
    page = context.new_page()
    heard = listen(page)
    page.goto("/models/")
    wide = sideways(page)
    for link, heading in [
        (name, name),
        ("v2", f"{name} v2"),
        (f"Request {asked.pk} to Production", f"Promote {name} v2 → Production"),
        ("Version page", f"{name} v2"),
        (name, name),
        ("Models", "Models"),
    ]:
        wide += follow(page, link)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    for path in ("/requests/", "/reviews/", "/audit/"):
        page.goto(path)
        wide += sideways(page)
    assert (wide, heard) == ([], [])
