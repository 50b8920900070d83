"""Template tag `remembered`: what depends on nothing but its arguments is rendered once, not for every page.

    {% remembered theme=shell.theme %}…{% endremembered %}

Inside stand only the arguments, as with `{% include … only %}`: no person, no request, no CSRF token. So what is
remembered for one page can hold nothing of another one. Language and address of the installation are always told apart.
"""

from typing import Any

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.urls import get_script_prefix
from django.utils.safestring import SafeString
from django.utils.translation import get_language

MOST = 500  # renderings of one place; beyond that it starts anew


class RememberedNode(template.Node):
    """The content between the tags, with what was rendered of it."""

    def __init__(self, nodelist: NodeList, arguments: dict[str, FilterExpression]) -> None:
        self.nodelist = nodelist
        self.arguments = arguments
        self.renderings: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        """Return the content, rendered now or before. The arguments must be hashable."""
        values = {name: expression.resolve(context) for name, expression in self.arguments.items()}
        # With their types: a text that is safe HTML equals one that is not.
        key = (get_language(), get_script_prefix(), *((type(value), value) for value in values.values()))
        found = self.renderings.get(key)
        if found is None:
            found = self.nodelist.render(context.new(values))
            if len(self.renderings) >= MOST:
                self.renderings.clear()
            self.renderings[key] = found
        return found


def remembered(parser: Parser, token: Token) -> RememberedNode:
    """Parse the tag. Raises TemplateSyntaxError for anything but keyword arguments."""
    name, *given = token.split_contents()
    arguments = token_kwargs(given, parser)
    if given:
        raise template.TemplateSyntaxError(f"{name} takes keyword arguments only, not {given[0]!r}.")
    nodelist = parser.parse((f"end{name}",))
    parser.delete_first_token()
    return RememberedNode(nodelist, arguments)
