"""Saved views: who may keep, share, change and remove them, and that they open nothing."""

import pytest

from apps.audit.models import AuditEvent
from apps.errors import Conflict, InvalidInput, NotAllowed, NotVisible
from apps.registry.inventory import saved_views
from apps.registry.inventory.address import canonical
from apps.registry.inventory.saved_views import change_view, remove_view, save_view, visible_views
from apps.registry.models import SavedView
from tests.registry.rows import model

pytestmark = pytest.mark.django_db


@pytest.fixture
def churn():
    return model()


def test_a_view_keeps_its_query_as_the_list_writes_it(charlie):
    view = save_view("  Risky   ones ", "?sort=name&owner=b&owner=&q=x&owner=a&cursor=abc", shared=False, by=charlie)
    assert (view.name, view.query) == ("Risky ones", "q=x&owner=b&owner=a")


def test_saving_is_recorded(charlie):
    save_view("Mine", "stage=Production", shared=False, by=charlie)
    event = AuditEvent.objects.get(action="view.saved")
    assert (event.actor, event.target, event.data["after"]["query"]) == ("charlie", "Mine", "stage=Production")


@pytest.mark.parametrize("name", ["", "   ", "a\0b", "x" * 81])
def test_a_view_needs_a_name(charlie, name):
    with pytest.raises(InvalidInput) as refused:
        save_view(name, "", shared=False, by=charlie)
    assert refused.value.field == "name"


@pytest.mark.parametrize(
    ("query", "field"),
    [("stage=Prod", "stage"), ("next=https://example.org", "query"), ("q=%00", "q"), ("tag=" + "x" * 5000, "query"),
     ("sort=id", "sort")],
)  # fmt: skip
def test_a_view_keeps_only_what_the_list_understands(charlie, query, field):
    with pytest.raises(InvalidInput) as refused:
        save_view("Mine", query, shared=False, by=charlie)
    assert (refused.value.field, SavedView.objects.count()) == (field, 0)


def test_a_name_is_used_once_per_person(charlie, alice):
    save_view("Mine", "", shared=False, by=charlie)
    save_view("Mine", "", shared=False, by=alice)
    with pytest.raises(Conflict):
        save_view("Mine", "q=x", shared=False, by=charlie)


def test_a_person_keeps_a_bounded_number_of_views(charlie):
    names = (str(number) for number in range(saved_views.MOST_VIEWS))
    SavedView.objects.bulk_create(SavedView(owner=charlie, name=name) for name in names)
    with pytest.raises(Conflict):
        save_view("One more", "", shared=False, by=charlie)


def test_private_views_are_seen_by_nobody_else_and_shared_ones_by_everybody(churn, charlie, alice, admin):
    mine = save_view("Mine", "", shared=False, by=charlie)
    save_view("Ours", "", shared=True, by=charlie)
    seen = [[view.name for view in visible_views(person)] for person in (charlie, alice, admin)]
    assert seen == [["Mine", "Ours"], ["Ours"], ["Ours"]]
    with pytest.raises(NotVisible):
        saved_views.get_view(admin, mine.pk)


def test_the_menu_lists_the_views_that_a_person_sees_in_their_order(churn, charlie, alice):
    for by, name, shared in ((charlie, "b", False), (alice, "a", True), (alice, "c", False), (charlie, "B", True)):
        save_view(name, "q=churn", shared=shared, by=by)
    seen = list(visible_views(charlie).values_list("owner", "name", "query"))
    assert len(seen) == 3
    assert [tuple(row) for row in saved_views.listed(charlie, 30)] == seen
    assert [tuple(row) for row in saved_views.listed(charlie, 2)] == seen[:2]


def test_sharing_takes_a_model_that_one_sees(churn, mallory):
    with pytest.raises(NotAllowed):
        save_view("Look here", "", shared=True, by=mallory)
    mine = save_view("Mine", "", shared=False, by=mallory)
    with pytest.raises(NotAllowed):
        change_view(mine.pk, shared=True, by=mallory)


def test_a_view_is_renamed_and_shared_by_whoever_saved_it(churn, charlie):
    view = save_view("Mine", "q=x", shared=False, by=charlie)
    change_view(view.pk, name="Ours", shared=True, by=charlie)
    view.refresh_from_db()
    assert (view.name, view.shared, view.query) == ("Ours", True, "q=x")


def test_changing_says_before_and_after(charlie):
    view = save_view("Mine", "", shared=False, by=charlie)
    change_view(view.pk, name="Yours", by=charlie)
    data = AuditEvent.objects.order_by("-id")[0].data
    assert (data["before"]["name"], data["after"]["name"]) == ("Mine", "Yours")


def test_a_shared_view_is_not_changed_by_others_not_even_admins(churn, charlie, admin):
    view = save_view("Ours", "", shared=True, by=charlie)
    with pytest.raises(NotAllowed):
        change_view(view.pk, name="Mine now", by=admin)


def test_a_shared_view_is_removed_by_its_owner_or_an_admin(churn, charlie, alice, admin):
    first, second = (save_view(name, "", shared=True, by=charlie) for name in ("One", "Two"))
    with pytest.raises(NotAllowed):
        remove_view(first.pk, by=alice)
    remove_view(first.pk, by=admin)
    remove_view(second.pk, by=charlie)
    assert (SavedView.objects.count(), AuditEvent.objects.filter(action="view.removed", outcome="done").count()) == (
        0,
        2,
    )


@pytest.mark.parametrize("number", [1, 2**63, 10**30])
def test_a_view_that_is_not_there_is_not_found(charlie, number):
    with pytest.raises(NotVisible):
        saved_views.get_view(charlie, number)


@pytest.mark.parametrize("view", saved_views.BUILT_IN, ids=lambda view: str(view.name))
def test_built_in_views_are_written_as_the_list_writes_them(view):
    assert canonical(view.query) == view.query


def test_opening_a_view_leads_to_the_list_and_shows_ones_own_models_only(client, churn, charlie, mallory):
    view = save_view("Ours", "q=churn&sort=-updated", shared=True, by=charlie)
    client.force_login(mallory)
    opened = client.get(f"/views/{view.pk}/")
    assert (opened.headers["Location"], b"strong-link" in client.get(opened.headers["Location"]).content) == (
        "/models/?q=churn&sort=-updated", False,
    )  # fmt: skip


def test_the_page_saves_a_view_and_marks_it_as_the_one_that_is_open(client, churn, charlie):
    client.force_login(charlie)
    sent = {"do": "save", "name": "Mine", "query": "q=churn"}
    page = client.post("/views/", sent, follow=True)
    assert (page.redirect_chain[-1][0], [link.current for link in page.context["my_views"]]) == (
        "/models/?q=churn",
        [True],
    )


def test_the_page_renames_shares_and_removes(client, churn, charlie):
    client.force_login(charlie)
    view = save_view("Mine", "", shared=False, by=charlie)
    client.post("/views/", {"do": "change", "view": view.pk, "name": "Ours", "shared": "on"})
    changed = SavedView.objects.values_list("name", "shared").get()
    client.post("/views/", {"do": "remove", "view": view.pk})
    assert (changed, SavedView.objects.count()) == (("Ours", True), 0)


@pytest.mark.parametrize(
    ("sent", "status"),
    [({}, 400), ({"do": "change", "view": "x"}, 400), ({"do": "change", "view": "9" * 30}, 400),
     ({"do": "change", "view": "99"}, 404), ({"do": "burn", "view": "1"}, 400)],
)  # fmt: skip
def test_the_page_refuses_what_it_does_not_understand(client, charlie, sent, status):
    client.force_login(charlie)
    assert client.post("/views/", sent).status_code == status


def test_views_over_the_api(client, churn, charlie):
    client.force_login(charlie)
    address = "/api/v1/views/"
    made = client.post(address, {"name": "Mine", "query": "q=churn"}, content_type="application/json")
    one = f"{address}{made.json()['id']}/"
    changed = client.patch(one, {"shared": True}, content_type="application/json").json()
    listed = client.get(address).json()["results"]
    assert (made.status_code, changed["shared"], listed, client.get(one).json()) == (201, True, [changed], changed)
    assert (client.delete(one).status_code, client.get(one).status_code) == (204, 404)


@pytest.mark.parametrize("sent", [{"name": "x", "colour": "red"}, {"name": ""}, {"name": "x", "query": "stage=Prod"}])
def test_the_api_refuses_a_malformed_view(client, charlie, sent):
    client.force_login(charlie)
    answer = client.post("/api/v1/views/", sent, content_type="application/json")
    assert (answer.status_code, answer.json()["code"], SavedView.objects.count()) == (400, "invalid", 0)
