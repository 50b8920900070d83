"""Inputs of the editor of cards. Written in Python: a section may have thousands of them."""

from typing import Any

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.modelcards.editing.inputs import Input
from apps.modelcards.schema.kinds import Kind

register = template.Library()


@register.simple_tag
def card_input(one: Input, focus: str = "", tall: bool = False) -> SafeString:
    """Show one input with its label, its hint and what is wrong with it. `focus`: the id of the one that takes it."""
    described = [one.described] if one.described else []
    described += [f"{one.name}-hint"] if one.hint else []
    described += [f"{one.name}-wrong"] if one.wrong else []
    label = format_html(
        '<label for="{}"{}>{}</label>', one.name, mark_safe(' class="visually-hidden"') if one.hidden_label else "",
        one.label)  # fmt: skip
    hint = format_html('<p class="helptext" id="{}-hint">{}</p>', one.name, one.hint) if one.hint else ""
    wrong = format_html('<p class="errorlist" id="{}-wrong">{}</p>', one.name, one.wrong) if one.wrong else ""
    control = _control(one, _attributes(one, " ".join(described), one.name == focus), tall)
    kind = "cell-prose" if one.kind is Kind.PROSE else "cell-line"
    return format_html('<div class="field cell {}">{}{}{}{}</div>', kind, label, hint, control, wrong)


def _attributes(one: Input, described: str, focused: bool) -> SafeString:
    said: dict[str, Any] = {"name": one.name, "id": one.name}
    if described:
        said["aria-describedby"] = described
    if one.wrong:
        said["aria-invalid"] = "true"
    found = format_html_join("", ' {}="{}"', said.items())
    return format_html("{} autofocus", found) if focused else found


def _control(one: Input, attributes: SafeString, tall: bool) -> SafeString:
    if one.kind is Kind.PROSE:
        rows = 4 if tall else min(8, max(1 + one.text.count("\n"), 2 if len(one.text) > 60 else 1))
        return format_html('<textarea{} rows="{}" dir="auto">\n{}</textarea>', attributes, rows, one.text)
    if one.kind is Kind.CHOICE:
        known = [("", "–"), *one.options]
        known += [(one.text, one.text)] if one.text not in [name for name, _label in known] else []
        options = format_html_join("", '<option value="{}"{}>{}</option>', (
            (name, mark_safe(" selected") if name == one.text else "", label) for name, label in known))  # fmt: skip
        return format_html("<select{}>{}</select>", attributes, options)
    kind = "date" if one.kind is Kind.DATE and (not one.text or _is_day(one.text)) else "text"
    shown = mark_safe(escape(one.text))  # noqa: S308 - escaped
    return format_html('<input type="{}"{} value="{}" dir="auto" autocomplete="off">', kind, attributes, shown)


def _is_day(text: str) -> bool:
    """Whether the browser's calendar can show it; it would show nothing of any other text."""
    return len(text) == 10 and text[4] == text[7] == "-" and text.replace("-", "").isdecimal()
