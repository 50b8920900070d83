from html.parser import HTMLParser

import pytest

from apps.modelcards.markdown import TAGS, rendered


class Elements(HTMLParser):
    """The elements and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://example.com/pixel.png)",
        "<a href='https://example.com' onclick='alert(1)'>x</a>",
        "[x](https://example.com 'a\" onmouseover=\"alert(1)')",
        "<style>body{display:none}</style>",
        "| a |\n|---|\n| <b onclick=x>y</b> |",
        "[x](vbscript:msgbox(1))",
    ],
)
def test_nothing_that_runs_or_calls_home_is_rendered(text):
    found = Elements()
    found.feed(rendered(text))
    assert found.tags <= TAGS
    assert all(name in {"href", "rel", "title"} for name, _value in found.attributes)
    assert all(value.startswith("https://") for name, value in found.attributes if name == "href")


def test_headings_stand_below_those_of_the_page():
    assert rendered("# One\n\n##### Five") == "<h3>One</h3>\n<h6>Five</h6>\n"


def test_a_link_tells_the_other_side_nothing():
    assert rendered("[x](https://example.com)") == (
        '<p><a href="https://example.com" rel="nofollow noopener">x</a></p>\n'
    )


def test_tables_and_lists_are_rendered():
    assert "<td>1</td>" in rendered("| a |\n|---|\n| 1 |")
    assert rendered("- a\n- b") == "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"
