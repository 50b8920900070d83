"""What a browser calls itself, in words that its owner recognises.

Whoever signs in may say anything: it decides nothing.
"""

from django.utils.translation import gettext as _

# The first that is named counts: each browser also names those whose pages it wants to be shown.
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
MOST_LETTERS = 60


def in_words(user_agent: str) -> str:
    """Return "Firefox on Windows", or what else is known; a program that is no browser as it calls itself."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or user_agent[:MOST_LETTERS] or _("unknown browser")
