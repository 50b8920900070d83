"""The pages of policies: parse, call the service, redirect. Every rule is the services'."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.approvals.drift.forms import ProtectForm
from apps.approvals.drift.queries import protected_aliases
from apps.approvals.models import ApprovalPolicy, PolicyState
from apps.approvals.policies import content, drafting, pages, publishing, queries, rule_rows
from apps.approvals.policies.forms import PolicyForm, PublishForm, initial_of
from apps.approvals.policies.managing import must_manage
from apps.approvals.policies.replaying import dry_run
from apps.errors import DomainError, InvalidInput, NotAllowed, NotVisible, WrongState

NEW: dict[str, Any] = {
    "exclude_registrant": True,
    "exclude_run_owner": True,
    "exclude_last_editor": True,
    "archive_existing": True,
}


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # signed in: login_required


@login_required
@require_safe
def policy_list(request: HttpRequest) -> HttpResponse:
    """What each target demands, drafts, and what was demanded before."""
    return policy_page(request)


def policy_page(request: HttpRequest, *, protect_form: ProtectForm | None = None, status: int = 200) -> HttpResponse:
    """Return the page of policies and protected aliases, with the form of an alias as it was refused, if it was."""
    context = {
        **pages.list_context(_person(request)),
        "protect_form": protect_form or ProtectForm(),
        "protected": list(protected_aliases()),
        "may_publish": queries.manages(request.user),
    }
    return render(request, "approvals/policy_list.html", context, status=status)


@login_required
@require_safe
def policy_detail(request: HttpRequest, id: int) -> HttpResponse:
    """Everything about one policy."""
    return _detail(request, queries.get_policy(request.user, id))


def _detail(request: HttpRequest, policy: ApprovalPolicy, *, error: DomainError | None = None) -> HttpResponse:
    context = {**pages.detail_context(policy, _person(request)), "error": error}
    return render(request, "approvals/policy_detail.html", context, status=error.status if error else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def policy_new(request: HttpRequest) -> HttpResponse:
    """Draft a policy: from nothing, or (`?from=12`) from another one."""
    must_manage(_person(request))
    if request.method == "POST":
        return _change(request, None)
    number = request.GET.get("from", "")
    if not number:
        return _form(request, PolicyForm(initial=NEW, by=_person(request)), rule_rows.blank())
    if not (number.isdecimal() and len(number) < 19):
        raise InvalidInput(_("“from” is the number of a policy. Follow the link on its page."), field="from")
    model = queries.get_policy(request.user, int(number))
    replaces = None if model.state == PolicyState.DRAFT else model.pk
    initial = initial_of(model) | {"reason": "", "replaces": replaces}
    return _form(request, PolicyForm(initial=initial, by=_person(request)), rule_rows.of(model))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def policy_edit(request: HttpRequest, id: int) -> HttpResponse:
    """Edit a draft."""
    must_manage(_person(request))
    policy = queries.get_policy(request.user, id)
    if policy.state != PolicyState.DRAFT:
        raise WrongState(_("A published policy never changes. Open its page and draft another from it."))
    if request.method == "POST":
        return _change(request, policy)
    initial = initial_of(policy) | {"digest": content.digest(policy)}
    return _form(request, PolicyForm(initial=initial, by=_person(request)), rule_rows.of(policy), policy)


def _change(request: HttpRequest, policy: ApprovalPolicy | None) -> HttpResponse:
    """Carry out a button of the form: change the rows of rules, or save the draft."""
    do = request.POST.get("do", "save")
    if do != "save":
        typed = PolicyForm(request.POST, by=_person(request))
        typed.errors.clear()  # nothing is being saved yet: what is missing is not at fault
        return _form(request, typed, rule_rows.changed(request.POST, do), policy)
    form, rules = PolicyForm(request.POST, by=_person(request)), rule_rows.sent(request.POST)
    if not all([form.is_valid(), *(row.is_valid() for row in rules)]):
        return _form(request, form, rules, policy, status=400)
    try:
        saved = _save(form, rule_rows.values(rules), policy, _person(request))
    except (NotVisible, NotAllowed, WrongState):
        raise
    except DomainError as error:
        _show(form, rules, error)
        return _form(request, form, rules, policy, status=error.status)
    messages.success(request, _("The draft is kept. It governs nothing until another admin publishes it."))
    return redirect("approvals:policy-detail", saved.pk)


def _save(form: PolicyForm, rules: list[dict[str, Any]], policy: ApprovalPolicy | None, by: User) -> ApprovalPolicy:
    if policy:
        return drafting.edit(policy.pk, form.values(), rules, by=by, digest=form.cleaned_data["digest"])
    number = form.cleaned_data["replaces"]
    return drafting.draft(form.values(), rules, by=by, replaces=queries.get_policy(by, number) if number else None)


def _show(form: PolicyForm, rules: list[Any], error: DomainError) -> None:
    """Put a refusal on the field that it names: of the policy, of a rule (“rules.0.needed”), or on the whole form."""
    _rules, _dot, rest = (error.field or "").partition("rules.")
    place, _dot, name = rest.partition(".")
    if place.isdecimal() and int(place) < len(rules) and name in rules[int(place)].fields:
        rules[int(place)].add_error(name, error.message)
    else:
        form.add_error(error.field if error.field in form.fields else None, error.message)


def _form(
    request: HttpRequest,
    form: PolicyForm,
    rules: list[Any],
    policy: ApprovalPolicy | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    wrong = any(each.is_bound and each.errors for each in (form, *rules))
    context = {"form": form, "rules": rules, "policy": policy, "wrong": wrong}
    return render(request, "approvals/policy_form.html", context, status=status)


@login_required
@require_safe
def policy_dry_run(request: HttpRequest, id: int) -> HttpResponse:
    """What a policy would have said of what was let through before it."""
    policy = queries.get_policy(request.user, id)
    context = {"policy": policy, "title": pages.title(policy), "run": dry_run(policy, by=_person(request))}
    return render(request, "approvals/policy_dry_run.html", context)


@login_required
@require_POST
def policy_publish(request: HttpRequest, id: int) -> HttpResponse:
    """Publish a draft as it was read."""
    return _decide(request, id, publishing.publish, _("The policy is in force. Requests that are open keep theirs."))


@login_required
@require_POST
def policy_discard(request: HttpRequest, id: int) -> HttpResponse:
    """Throw a draft away."""
    return _decide(request, id, drafting.discard, _("The draft is discarded. What it said stays in the audit trail."))


def _decide(request: HttpRequest, id: int, decide: Any, said: str) -> HttpResponse:
    """Carry out what was decided on a draft; a refusal is shown on its page."""
    must_manage(_person(request))
    policy = queries.get_policy(request.user, id)
    form = PublishForm(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput(_("The reason is too long. Write at most 5000 characters."), field="reason")
        values = form.cleaned_data if decide is publishing.publish else {"reason": form.cleaned_data["reason"]}
        decide(id, by=_person(request), **values)
    except (NotVisible, NotAllowed):
        raise
    except DomainError as error:
        return _detail(request, queries.get_policy(request.user, policy.pk), error=error)
    messages.success(request, said)
    return redirect("approvals:policy-list") if decide is drafting.discard else redirect("approvals:policy-detail", id)
