"""Make the pictures of docs/screenshots.md: walk through a running demo as its people, and shoot every page.

Start the demo on a new data directory first: the walk asks, approves and objects for real. A second walk finds what
the first one did, and takes the pictures again.

    ASSENT_DATA_DIR=/tmp/demo-shots PORT=8150 make demo
    .venv/bin/python scripts/screenshots.py http://127.0.0.1:8150 /tmp/demo-shots/demo_passwords.json

The browser is TEST_CHROMIUM, else the machine's Chromium.
"""

import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "screenshots"
WIDTH, PHONE, TALLEST = 1280, 390, 1600  # pixels
COLOURS = 128  # of a picture's palette: enough for pages of few colours, and a third of the size
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-proxy-server", "--hide-scrollbars"]
OLD_CARD = """# Model card: churn
- **Version**: 3.0.0

## Intended use
Choosing whom the retention desk calls first, and nothing else.

## Limitations
- Trained on one quarter.

## Caveats
The prices changed in October.
"""
CHURN, CREDIT, IRIS = "churn-classifier", "credit-risk", "iris-species"


class Studio:
    """A browser in which each person is signed in once."""

    def __init__(self, browser: Browser, address: str, passwords: dict[str, str]) -> None:
        self.browser, self.address, self.passwords = browser, address, passwords
        self.pages: dict[str, Page] = {}

    def as_(self, person: str) -> Page:
        """Return this person's page, signed in."""
        if person not in self.pages:
            page = self.stranger()
            page.goto("/sign-in/")
            page.get_by_label("User name").fill(person)
            page.get_by_label("Password").fill(self.passwords[person])
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/models/")
            self.pages[person] = page
        return self.pages[person]

    def stranger(self) -> Page:
        """Return a page of somebody who is not signed in."""
        context = self.browser.new_context(base_url=self.address, viewport={"width": WIDTH, "height": 800})
        return context.new_page()

    def shoot(self, page: Page, name: str, path: str | None = None) -> None:
        """Write docs/screenshots/<name>-light.png of the page as it stands, or of `path`."""
        self._look(page, f"{name}-light", path)

    def shoot_dark(self, page: Page, name: str, path: str) -> None:
        """The same in the dark."""
        page.emulate_media(color_scheme="dark")
        self._look(page, f"{name}-dark", path)
        page.emulate_media(color_scheme="light")

    def shoot_phone(self, page: Page, name: str, path: str) -> None:
        """The same as wide as a phone."""
        page.set_viewport_size({"width": PHONE, "height": 844})
        self._look(page, f"{name}-phone", path)
        page.set_viewport_size({"width": WIDTH, "height": 800})

    def _look(self, page: Page, name: str, path: str | None) -> None:
        """Shoot the page up to TALLEST pixels. The window grows, so that what sticks to its edge is at the edge."""
        if path:
            page.goto(path)
        wide = page.viewport_size["width"]
        tall = page.evaluate("document.documentElement.scrollHeight")
        before = page.viewport_size
        page.set_viewport_size({"width": wide, "height": min(max(tall, before["height"]), TALLEST)})
        page.evaluate("window.scrollTo(0, 0)")
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        page.set_viewport_size(before)
        few = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(FOLDER / f"{name}.png", optimize=True)
        print(f"{name}.png: {(FOLDER / f'{name}.png').stat().st_size // 1024} KB")  # noqa: T201


def ask(page: Page, model: str, number: int, reason: str, stage: str = "Production") -> str:
    """Ask for a promotion as the person of this page, unless an earlier walk did. Returns the request's path."""
    page.goto(f"/requests/?model={model}")
    earlier = page.locator("main tbody a[href^='/requests/']")
    if earlier.count():
        return str(earlier.first.get_attribute("href"))
    page.goto(f"/models/{model}/v/{number}/request/")
    page.get_by_label(stage, exact=True).check()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**/requests/*/")
    return urlsplit(page.url).path


def decide(page: Page, path: str, button: str, comment: str) -> None:
    """Decide on a request as the person of this page."""
    page.goto(path)
    if page.get_by_text(comment).count():
        return
    page.get_by_label("Comment").fill(comment)
    page.get_by_role("button", name=button).click()
    page.get_by_text(comment).first.wait_for()


def check_data(page: Page) -> None:
    """Check a table that lacks columns, as the person of this page."""
    page.goto(f"/models/{CHURN}/v/3/check-data/")
    table = {"name": "customers.csv", "mimeType": "text/csv", "buffer": b"tenure_months,plan\n12,gold\nnew,silver\n"}
    page.locator("input[type=file]").set_input_files(table)
    page.get_by_role("button", name="Check").click()
    page.wait_for_load_state()


def walk(studio: Studio) -> None:
    """Go the way of a promotion, a picture at each stop."""
    alice, bob, erin = (studio.as_(person) for person in ("alice", "bob", "erin"))
    studio.shoot(studio.stranger(), "sign-in", "/sign-in/")
    studio.shoot(alice, "model", f"/models/{CHURN}/")
    for person, text in (("bob", "Is June in the training data?"), ("alice", "No: it ends with May.")):
        say_of_version(studio.as_(person), f"/models/{CHURN}/v/3/", text)
    studio.shoot(alice, "version", f"/models/{CHURN}/v/3/")
    studio.shoot(alice, "compare", f"/compare/?base={CHURN}@2&candidate={CHURN}@3")
    studio.shoot(alice, "compare-three", f"/compare/?base={CHURN}@1&candidate={CHURN}@2&candidate={CHURN}@3")
    check_data(alice)
    studio.shoot(alice, "check-data")
    studio.shoot(bob, "drift", "/drift/")
    bob.locator("main tbody a[href^='/drift/']").first.click()
    bob.wait_for_url("**/drift/*/")
    studio.shoot(bob, "drift-finding")
    alice.goto(f"/models/{CHURN}/v/3/request/")
    alice.get_by_label("Production", exact=True).check()
    alice.get_by_label("Reason").fill("Better on the newest customers; the same inputs.")
    alice.wait_for_timeout(500)  # the preview follows the choice
    studio.shoot(alice, "ask")

    applied = ask(alice, IRIS, 2, "All four measures instead of two: far fewer mistakes.")
    objected = ask(alice, CREDIT, 3, "Better by every metric; it sees how burden and late payment go together.")
    opened = ask(alice, CHURN, 3, "Better on the newest customers; the same inputs.")
    decide(erin, objected, "Request changes", "Log the data set of the test, so that we can repeat it.")
    decide(bob, applied, "Approve", "Agreed: better by every metric, and callers know the new inputs.")
    bob.get_by_text("MLflow confirmed").first.wait_for(timeout=60_000)
    studio.shoot(bob, "request-applied")
    studio.shoot(alice, "request-changes", objected)

    bob.goto(opened)
    studio.shoot(bob, "request", opened)
    studio.shoot_dark(bob, "request", opened)
    studio.shoot_phone(bob, "request", opened)
    studio.shoot(bob, "reviews", "/reviews/")
    studio.shoot(bob, "requests", "/requests/")
    studio.shoot(bob, "models", "/models/")
    studio.shoot_dark(bob, "models", "/models/")
    studio.shoot_phone(bob, "models", "/models/")
    look_at_cards(studio)
    look_around(studio)


def look_at_cards(studio: Studio) -> None:
    """Shoot an approved card, the editor, what changed since the version before, an import, and what is required."""
    alice, admin = studio.as_("alice"), studio.as_("admin")
    studio.shoot(alice, "card", f"/models/{CHURN}/v/2/card/")
    studio.shoot_dark(alice, "card", f"/models/{CHURN}/v/2/card/")
    studio.shoot_phone(alice, "card", f"/models/{CHURN}/v/2/card/")
    studio.shoot(alice, "card-out-of-step", f"/models/{CREDIT}/v/3/card/")
    studio.shoot(alice, "card-edit", f"/models/{CHURN}/v/3/card/edit/risks/")
    studio.shoot_phone(alice, "card-edit", f"/models/{CHURN}/v/3/card/edit/risks/")
    studio.shoot(alice, "card-compare", f"/models/{CHURN}/v/3/card/compare/?with=2")
    alice.goto(f"/models/{CHURN}/v/3/card/import/")
    alice.get_by_label("Or paste it").fill(OLD_CARD)
    alice.get_by_role("button", name="Look at what would change").click()
    alice.wait_for_load_state()
    studio.shoot(alice, "card-import")
    studio.shoot(admin, "card-requirements", "/cards/requirements/")


def look_around(studio: Studio) -> None:
    """Shoot the pages of admins, auditors and one's own account, after the promotion."""
    alice, admin = studio.as_("alice"), studio.as_("admin")
    studio.shoot(admin, "policies", "/policies/")
    studio.shoot(admin, "people", "/people/")
    admin.get_by_role("table").first.get_by_role("link", name="Bob Tanaka").click()
    admin.wait_for_url("**/people/*/")
    studio.shoot(admin, "person")
    admin.goto("/audit/")
    admin.locator("details.event-more summary").filter(has_text="Promotion applied").first.click()
    studio.shoot(admin, "audit")
    admin.get_by_role("link", name="Proof and verifier").click()
    admin.wait_for_url("**/audit/proof/")
    studio.shoot(admin, "audit-proof")
    studio.shoot(admin, "access-log", "/audit/access/")
    studio.shoot(admin, "report", f"/models/{IRIS}/report/")
    studio.shoot(admin, "compliance", "/compliance/")
    studio.shoot_phone(admin, "compliance", "/compliance/")
    studio.shoot(admin, "controls", "/compliance/controls/")
    studio.shoot(admin, "holds", "/compliance/holds/")
    studio.shoot(admin, "evidence", f"/models/{IRIS}/v/2/evidence/")
    studio.shoot(admin, "roles", "/people/roles/")
    studio.shoot(admin, "grants", "/people/grants/")
    studio.shoot(admin, "conflicts", "/people/conflicts/")
    _review_access(studio)
    studio.shoot(admin, "may", f"/people/may/?person=bob&permission=model:review&model={CHURN}")
    studio.shoot(admin, "sync", "/sync/")
    studio.shoot(admin, "connection", "/connections/default/")
    studio.shoot(admin, "metrics", "/metrics/")
    alice.goto("/account/")
    alice.get_by_label("Name", exact=True).fill("laptop")
    alice.get_by_role("button", name="Make token").click()
    alice.get_by_text("Copy it now").wait_for()
    studio.shoot(alice, "account", "/account/")
    studio.shoot(alice, "security", "/account/security/")
    studio.shoot(alice, "api", "/api/v1/docs/")
    studio.shoot(alice, "not-found", "/models/none/")


def _review_access(studio: Studio) -> None:
    """Open an access review, where there is none, and look at it and at what waits for the admin's answer."""
    admin = studio.as_("admin")
    admin.goto("/people/access-reviews/")
    if admin.get_by_role("link", name="Fourth quarter").count() == 0:
        admin.goto("/people/access-reviews/new/")
        admin.get_by_label("Name", exact=True).fill("Fourth quarter")
        admin.get_by_label("Last day").fill((datetime.now(UTC) + timedelta(days=21)).date().isoformat())
        admin.get_by_label("Reason").fill("The yearly look at who may do what.")
        admin.get_by_role("button", name="Look at what it would cover").click()
        admin.get_by_role("button", name="Open it over").click()
    else:
        admin.get_by_role("link", name="Fourth quarter").click()
    admin.get_by_text("How far it is").wait_for()
    studio.shoot(admin, "access-review")
    studio.shoot(admin, "access-to-review", "/access-to-review/")


def main() -> None:
    """Read the arguments, open the browser, walk."""
    if len(sys.argv) != 3:
        sys.exit("Usage: scripts/screenshots.py ADDRESS PASSWORD_FILE")
    address, passwords = sys.argv[1].rstrip("/"), json.loads(Path(sys.argv[2]).read_text())
    path = os.environ.get("TEST_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        walk(Studio(browser, address, passwords))
        browser.close()


def say_of_version(page: Page, path: str, text: str) -> None:
    """Comment on a version, unless an earlier walk did."""
    page.goto(path)
    if page.get_by_text(text).count() == 0:
        page.get_by_label("Comment on this version").fill(text)
        page.get_by_role("button", name="Comment", exact=True).click()
        page.locator(".comment-list").get_by_text(text).first.wait_for()


if __name__ == "__main__":
    main()
