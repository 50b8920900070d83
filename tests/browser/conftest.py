"""A real headless Chromium: TEST_CHROMIUM, else this machine's. Without one the browser tests are skipped by name."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT as AXE
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.conftest import PASSWORD

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("TEST_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        pytest.skip("no Chromium: set TEST_CHROMIUM or install one")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_browser(chromium: Browser, live_server) -> Iterator[Callable[..., BrowserContext]]:
    """Open a fresh browser profile at the test server; options are Playwright's (viewport, color_scheme, …)."""
    contexts: list[BrowserContext] = []

    def open_context(**options: object) -> BrowserContext:
        context = chromium.new_context(base_url=live_server.url, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        return context

    yield open_context
    for context in contexts:
        context.close()


def sign_in(page: Page, username: str) -> Page:
    """Sign in through the page, as a person does."""
    page.goto("/sign-in/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: not url.endswith("/sign-in/"))  # half-way in, with a second factor
    return page


def become(context: BrowserContext, user: AbstractBaseUser | None, address: str) -> None:
    """Sign this browser in as `user` without the page (None: signed out), for tests that are about other pages."""
    context.clear_cookies()
    if user is None:
        return
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])


CSP_TO_CONSOLE = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


def listen(page: Page) -> list[str]:
    """Return a list that fills with what goes wrong on the page: errors, refused content, dialogs of scripts.

    The browser's own line about a page whose status is an error is left out: such pages are wanted.
    """
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        about_the_page = message.text.startswith("Failed to load resource") and message.location["url"] == page.url
        if message.type == "error" and not about_the_page:
            heard.append(message.text)

    page.add_init_script(CSP_TO_CONSOLE)
    page.on("console", hear)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: (heard.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    return heard


def sideways(page: Page) -> list[str]:
    """Return what makes the page scroll to the side: its widest elements, nothing when it fits."""
    return page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width);
          return wide.slice(0, 3).map((e) => `${e.tagName}.${e.className}: ${e.getBoundingClientRect().right}px`);
        }"""
    )


def axe_violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """Return one line per accessibility violation that axe-core finds on the page as it stands, by all its rules."""
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    if page.evaluate("typeof axe === 'undefined'"):  # half a megabyte: once for each page that was opened
        page.evaluate(AXE)
    found = page.evaluate("options => axe.run(options).then(found => found.violations)", options)
    return [f"{v['id']}: {node['target']} {node.get('failureSummary', '')}" for v in found for node in v["nodes"]]
