"""A model's name, however strange, is shown and linked correctly on every page and in the API."""

import re
from html import escape, unescape

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import resolve, reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.accounts import grants
from apps.accounts.models import User
from apps.accounts.roles import ADMIN, REVIEWER, VIEWER
from apps.approvals import services
from apps.approvals.models import ApprovalPolicy, ApprovalRequest
from apps.approvals.policies import drafting, publishing
from apps.registry.models import ModelAlias, RegisteredModel
from tests.builders import make_model, make_policy, make_version
from tests.conftest import member

NAMES = {
    "slashes": "/a//b/",
    "space": " two  words ",
    "quotes": "\"say\" 'hi'",
    "percent": "50%25 %2F %",
    "Unicode": "感情分析 é e\u0301 \u202egnp 🦉",
    "long": "n" * 250,
    "script": "<script>alert(1)</script>",
    "dot": ".",
    "dots": "..",
    "hidden": ".name.",
    "query": "a?b=c&d#e;f",
    "plus": "c++",
    "tilde": "~2F~",
    "backslash": "a\\b",
    "at": "me@home@3",
    "braces": "{{ 7|add:7 }} {% now %} {name} %s %(name)s",
    "line": "two\nlines\ttab",
    "brackets": "[x](javascript:alert(1))",
    "version": "v/1/request/",
}
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)
STRANGE = st.lists(
    st.sampled_from(["/", "\\", "~", "%", "2F", ".", "?", "#", "@", " ", "\n", "é"]), min_size=1, max_size=9
)


@pytest.fixture
def signed_in(db) -> Client:
    client = Client()
    client.force_login(member("everybody", ADMIN, REVIEWER))
    return client


@pytest.fixture
def asked(request, signed_in, alice, admin, charlie) -> ApprovalRequest:
    """An open request on a model of that name, with a policy and a grant of its own."""
    model = make_model(request.param)
    ModelAlias.objects.create(model=model, alias="champion", version=make_version(model, 1, stage="Production"))
    make_policy()
    drafted = drafting.draft({"stage": "Staging", "model": model, "reason": "Its own."}, [{"needed": 1}], by=admin)
    publishing.publish(drafted.pk, by=None)
    group = Group.objects.create(name="watchers")
    grants.set_role(group, [VIEWER], model, model_class=RegisteredModel)
    charlie.groups.set([group])
    return services.open_request(make_version(model, 2).pk, "Production", reason="Better.", by=alice)


def pages(asked: ApprovalRequest) -> dict[str, str]:
    """Return every page on which the name stands."""
    name = asked.version.model.reference
    return {
        "models": reverse("registry:model-list"),
        "model": reverse("registry:model-detail", args=[name]),
        "version": reverse("registry:version-detail", args=[name, 2]),
        "check data": reverse("registry:check-data", args=[name, 2]),
        "compare": reverse("registry:compare", query={"base": f"{name}@1", "candidate": f"{name}@2"}),
        "ask": reverse("approvals:request-new", args=[name, 2]),
        "requests": reverse("approvals:request-list"),
        "request": reverse("approvals:request-detail", args=[asked.pk]),
        "reviews": reverse("approvals:review-queue"),
        "policies": reverse("approvals:policy-list"),
        "policy": reverse("approvals:policy-detail", args=[ApprovalPolicy.objects.get(model__isnull=False).pk]),
        "audit": reverse("audit:event-list"),
        "group": reverse("accounts:group", args=[Group.objects.get(name="watchers").pk]),
    }


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("asked", NAMES.values(), ids=NAMES, indirect=True)
def test_every_page_shows_the_name_and_every_link_on_it_leads_somewhere(asked, signed_in, charlie):
    name, links, shown = asked.version.model.reference, set(), {}
    answers = {page: signed_in.get(address) for page, address in pages(asked).items()}
    signed_in.force_login(charlie)
    answers["account"] = signed_in.get(reverse("accounts:account"))
    signed_in.force_login(User.objects.get(username="everybody"))
    for page, answer in answers.items():
        content = answer.content.decode().replace("&#x27;", "'").replace("&#39;", "'").replace("&quot;", '"')
        text = escape(name, quote=False)
        shown[page] = (answer.status_code, squeezed(text) in squeezed(content), "<script>alert" in content)
        links |= {unescape(link) for link in re.findall(r'(?:href|action|hx-get)="(/[^"]*)"', answer.content.decode())}
    links = {link for link in links if not link.startswith("/mlflow/#")}  # MLflow's own pages, which are not up here
    assert shown == dict.fromkeys(shown, (200, True, False))
    led = {link: signed_in.get(link).status_code for link in links if not link.startswith("/static/")}
    posts = {link for link, status in led.items() if status == 405}
    assert {link for link, status in led.items() if status not in (200, 302, 405)} == set()
    assert all(re.search(r"/(act|comments|protect|run|sign-out|start|theme)/$", link) for link in posts)


@pytest.mark.parametrize("asked", NAMES.values(), ids=NAMES, indirect=True)
def test_every_address_of_the_api_leads_back_to_the_name(asked, signed_in):
    name = asked.version.model.reference
    model, versions = reverse("api:model-detail", args=[name]), reverse("api:version-list", args=[name])
    compared = reverse("api:compare", query={"base": f"{name}@1", "candidate": f"{name}@2"})
    said = [
        signed_in.get(model).json()["reference"],
        signed_in.get(versions).json()["results"][0]["model"],
        signed_in.get(f"{versions}2/").json()["model"],
        signed_in.get(compared).json()["candidate"]["model"],
        signed_in.get(reverse("api:request-list", query={"model": name})).json()["results"][0]["model"],
    ]
    assert said == [name] * len(said)
    events = signed_in.get(reverse("api:event-list", query={"target": name})).json()["results"]
    assert [event["target"] for event in events] == [f"Staging policy for {name}"] * 2


@pytest.mark.parametrize("asked", NAMES.values(), ids=NAMES, indirect=True)
def test_request_of_any_name_is_asked_over_the_api(asked, signed_in, bob):
    body = {"model": asked.version.model.reference, "version": 1, "to_stage": "Staging", "reason": "Back."}
    answer = signed_in.post("/api/v1/requests/", body, content_type="application/json")
    assert (answer.status_code, answer.json().get("model")) == (201, asked.version.model.reference)


@given(name=TEXT | STRANGE.map("".join))
@example("~2F").via("the escape itself")
@example("..").via("a parent folder")
def test_address_of_any_name_resolves_to_it(name):
    path = reverse("registry:model-detail", args=[name])
    segments = path.split("/")
    client_path = re.sub(r"%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), path).encode("latin-1").decode()
    assert (len(segments), segments[2] in (".", ".."), resolve(client_path).kwargs) == (4, False, {"name": name})


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXT | STRANGE.map("".join))
def test_page_and_api_find_any_name(signed_in, name):
    model = RegisteredModel.objects.filter(name=name).first() or make_model(name)
    page = signed_in.get(reverse("registry:model-detail", args=[model.reference]))
    assert (
        page.context["model"],
        signed_in.get(reverse("api:model-detail", args=[model.reference])).json()["name"],
    ) == (
        model,
        name,
    )
