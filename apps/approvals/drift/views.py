"""The pages of drift: parse, call the service, redirect. Every rule is the service's."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.approvals.drift import protected, queries, services
from apps.approvals.drift.actions import DriftAction
from apps.approvals.drift.forms import ATTENTION, SETTLED, DriftActForm, DriftFilter, ProtectForm, UnprotectForm
from apps.approvals.drift.settling import REVERT_JOB
from apps.approvals.drift.timeline import timeline
from apps.approvals.forms import cleaned
from apps.approvals.models import UNSETTLED, DriftFinding, DriftState
from apps.approvals.policies.views import policy_page
from apps.errors import DomainError, InvalidInput, NotAllowed, NotVisible
from apps.jobs.models import Job
from apps.on_forms import show_on

ROWS = 50
FILTERS = ("kind", "state", "connection")


@login_required
@require_safe
def drift_list(request: HttpRequest) -> HttpResponse:
    """The inbox: what needs attention, or what was settled, on models that the person may see."""
    form = DriftFilter(request.GET)
    visible = queries.visible_findings(request.user)
    unsettled = visible.filter(state__in=UNSETTLED)
    rows = _filtered(visible, form.cleaned_data) if form.is_valid() else visible.none()
    page = Paginator(rows, ROWS).get_page(form.cleaned_data.get("page") or 1)
    context = {
        "form": form,
        "page": page,
        "show": form.cleaned_data.get("show") or ATTENTION,
        "attention": unsettled.count(),
        "filtered": any(request.GET.get(name) for name in FILTERS),
        "several": visible.order_by().values("model__connection").distinct().count() > 1,
    }
    return render(request, "approvals/drift_list.html", context, status=200 if form.is_valid() else 400)


def _filtered(findings: QuerySet[DriftFinding], values: dict[str, Any]) -> QuerySet[DriftFinding]:
    settled = values["show"] == SETTLED
    findings = findings.exclude(state__in=UNSETTLED) if settled else findings.filter(state__in=UNSETTLED)
    if values["kind"]:
        findings = findings.filter(kind=values["kind"])
    if values["state"]:
        findings = findings.filter(state=values["state"])
    return findings.filter(model__connection=values["connection"]) if values["connection"] else findings


@login_required
@require_safe
def drift_detail(request: HttpRequest, id: int) -> HttpResponse:
    """One finding; as htmx polls, only how far its revert has come."""
    finding = queries.get_finding(request.user, id)
    if request.headers.get("HX-Request") != "true":
        return _drift_page(request, finding)
    response = render(request, "approvals/_drift_progress.html", _moving(finding))
    if finding.state != DriftState.REVERTING:
        response["HX-Refresh"] = "true"
    return response


def _moving(finding: DriftFinding) -> dict[str, Any]:
    job = Job.objects.filter(key=f"{REVERT_JOB}:{finding.pk}").order_by("-id").first()
    return {"finding": finding, "job": job if finding.state == DriftState.REVERTING else None}


def _drift_page(
    request: HttpRequest, finding: DriftFinding, *, error: DomainError | None = None, asked: str = "", reason: str = ""
) -> HttpResponse:
    offers = queries.allowed_actions(finding, request.user)
    others = [row for row in queries.unsettled_on(finding.model) if row.pk != finding.pk]
    context = {
        **_moving(finding),
        "offered": [offer for offer in offers if not offer.refusal],
        "refused": [offer for offer in offers if offer.refusal],
        "timeline": timeline(finding),
        "others": others,
        "error": error,
        "asked": asked,
        "reason": reason,
        "sign_at": reverse("approvals:drift-detail", args=[finding.pk]),
    }
    return render(request, "approvals/drift_detail.html", context, status=error.status if error else 200)


@login_required
@require_POST
def drift_act(request: HttpRequest, id: int) -> HttpResponse:
    """Accept, revert, or open a request; a refusal comes back on the page, the reason kept."""
    finding = queries.get_finding(request.user, id)
    form = DriftActForm(request.POST)
    try:
        values = cleaned(form)
        after = services.act(id, by=cast(User, request.user), **values)
    except NotVisible:
        raise
    except DomainError as error:
        finding = queries.get_finding(request.user, id)
        typed = {"asked": request.POST.get("action", ""), "reason": request.POST.get("reason", "")}
        return _drift_page(request, finding, error=error, **typed)
    messages.success(request, _what_happened(values["action"], after))
    if values["action"] == DriftAction.REQUEST:
        return redirect("approvals:request-detail", after.request_id)
    return redirect("approvals:drift-detail", id)


def _what_happened(action: str, after: DriftFinding) -> str:
    if action == DriftAction.REQUEST:
        return _("Request %(number)s is open. Its reviewers see it now.") % {"number": after.request_id}
    if action == DriftAction.REVERT:
        return _("Assent puts it back in MLflow now.")
    return _("You accepted it. What MLflow says is expected from now on.")


@login_required
@require_POST
def alias_protect(request: HttpRequest) -> HttpResponse:
    """Protect an alias on every model; what is wrong with it is said on the page of policies."""
    form, status = ProtectForm({**request.POST.dict(), "alias": request.POST.get("alias", "").removeprefix("@")}), 400
    try:
        if form.is_valid():
            row = protected.protect(**form.cleaned_data, by=cast(User, request.user))
            messages.success(request, _("@%(alias)s is protected from now on.") % {"alias": row.alias})
            return redirect("approvals:policy-list")
    except NotAllowed:
        raise
    except DomainError as error:
        show_on(form, error)
        status = error.status
    return policy_page(request, protect_form=form, status=status)


@login_required
@require_POST
def alias_unprotect(request: HttpRequest) -> HttpResponse:
    """Protect an alias no longer."""
    form = UnprotectForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(_("Name the alias, and write why in at most 5000 characters."), field="alias")
    values = form.cleaned_data
    protected.unprotect(values["alias"], reason=values["reason"], by=cast(User, request.user))
    messages.success(request, _("@%(alias)s is no longer protected.") % {"alias": values["alias"]})
    return redirect("approvals:policy-list")
