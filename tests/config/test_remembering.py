"""The tag `remembered`: what it keeps of one page holds nothing that another one must not show."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils.safestring import mark_safe
from django.utils.translation import override

from config import remembering


def rendered(template: Template, **values: object) -> str:
    return template.render(Context(values))


def write(content: str) -> Template:
    return Template(f"{{% load i18n ui %}}{content}")


def test_remembered_content_sees_its_arguments_and_nothing_else():
    template = write("{% remembered theme=theme %}{{ theme }} {{ person }}{{ csrf_token }}{% endremembered %}")
    assert rendered(template, theme="dark", person="alice", csrf_token="secret") == "dark "


def test_remembered_content_is_rendered_once_for_the_same_arguments():
    template = write(
        "{% remembered names=names %}{% for name in names %}{{ name.spelled }}{% endfor %}{% endremembered %}"
    )

    class Name:
        times = 0

        def spelled(self) -> str:
            self.times += 1
            return "churn"

    name = Name()
    assert [rendered(template, names=(name,)) for _page in range(3)] == ["churn"] * 3
    assert name.times == 1


def test_remembered_content_differs_with_its_arguments():
    template = write("{% remembered theme=theme %}{{ theme }}{% endremembered %}")
    assert [rendered(template, theme=theme) for theme in ("dark", "light", "dark")] == ["dark", "light", "dark"]


def test_remembered_content_is_told_apart_by_language():
    template = write("{% remembered %}{% get_current_language as language %}{{ language }}{% endremembered %}")
    with override("en"):
        english = rendered(template)
    with override("de"):
        german = rendered(template)
    assert (english, german) == ("en", "de")


def test_remembered_content_escapes_a_text_although_the_same_was_safe_before():
    template = write("{% remembered text=text %}{{ text }}{% endremembered %}")
    assert rendered(template, text=mark_safe("<b>")) == "<b>"
    assert rendered(template, text="<b>") == "&lt;b&gt;"


def test_remembered_content_starts_anew_when_there_is_too_much(monkeypatch):
    monkeypatch.setattr(remembering, "MOST", 3)
    template = write("{% remembered number=number %}{{ number }}{% endremembered %}")
    assert [rendered(template, number=number) for number in range(10)] == [str(number) for number in range(10)]
    node = template.nodelist.get_nodes_by_type(remembering.RememberedNode)[0]
    assert len(node.renderings) == 1


def test_remembered_takes_nothing_but_named_arguments():
    with pytest.raises(TemplateSyntaxError) as refused:
        write("{% remembered theme %}{% endremembered %}")
    assert str(refused.value) == "remembered takes keyword arguments only, not 'theme'."
