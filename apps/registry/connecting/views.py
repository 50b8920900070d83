"""The pages about connections: parse, call the service, redirect. Every rule is the services'."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.errors import DomainError, InvalidInput, NotAllowed, NotVisible
from apps.on_forms import OK, carry_out
from apps.registry import connections
from apps.registry.connecting import pages, probing, services
from apps.registry.connecting.forms import ConnectionForm, NewConnectionForm, WebhookForm, settings_form
from apps.registry.models import Connection
from apps.registry.webhooks import registering


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # signed in: login_required


@login_required
@require_safe
def connection_list(request: HttpRequest) -> HttpResponse:
    """Every connection, with how it fares. Only for those who manage connections; the page is no secret."""
    services.needs_permission(request.user)
    return render(request, "registry/connection_list.html", {"rows": pages.connection_rows()})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def connection_new(request: HttpRequest) -> HttpResponse:
    """Add a connection."""
    services.needs_permission(request.user)
    form = NewConnectionForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = carry_out(form, lambda: _create(form, _person(request)))
        if status == OK:
            name = form.cleaned_data["name"]
            messages.success(request, _("The connection is there. Test it, then start a sync or wait for the next."))
            return redirect("registry:connection-detail", name)
    return render(request, "registry/connection_new.html", {"form": form}, status=status)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def connection_detail(request: HttpRequest, connection: str) -> HttpResponse:
    """One connection: its settings, a test, its webhook."""
    services.needs_permission(request.user)
    found = connections.get(connection)
    if request.method == "POST":
        return _change(request, found)
    return _detail_page(request, found)


def _detail_page(
    request: HttpRequest,
    connection: Connection,
    *,
    form: ConnectionForm | None = None,
    webhook: WebhookForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        **pages.connection_context(connection),
        "form": form or settings_form(connection),
        "webhook_form": webhook or WebhookForm(initial={"url": registering.default_url(connection)}, prefix="webhook"),
        "refused": form or webhook,
    }
    return render(request, "registry/connection_detail.html", context, status=status)


def _change(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Carry out the form that was sent; a refusal comes back on its field, or as a message."""
    do = request.POST.get("do", "")
    if do == "save":
        return _save(request, connection)
    if do == "register":
        return _register(request, connection)
    deed = DEEDS.get(do)
    if deed is None:
        raise InvalidInput(_("There is no such form on this page. Reload it."), field="do")
    try:
        level, text = deed(connection.name, _person(request))
    except (NotVisible, NotAllowed):
        raise
    except DomainError as error:
        level, text = messages.WARNING, error.message
    messages.add_message(request, level, text)
    return redirect("registry:connection-detail", connection.name)


def _save(request: HttpRequest, connection: Connection) -> HttpResponse:
    form = ConnectionForm(request.POST)

    def save() -> None:
        services.change_connection(
            connection.name,
            by=_person(request),
            secret=form.cleaned_data["secret"] or None,
            revision=form.cleaned_data["revision"],
            **form.settings(),
        )

    status = carry_out(form, save)
    if status != OK:
        return _detail_page(request, connection, form=form, status=status)
    messages.success(request, _("The connection was saved. It counts from the next call on."))
    return redirect("registry:connection-detail", connection.name)


def _register(request: HttpRequest, connection: Connection) -> HttpResponse:
    form = WebhookForm(request.POST, prefix="webhook")
    status = carry_out(
        form, lambda: registering.register(connection.name, by=_person(request), url=form.cleaned_data["url"])
    )
    if status != OK:
        return _detail_page(request, connection, webhook=form, status=status)
    messages.success(request, _("MLflow tells Assent of changes now. It may take a minute until it begins."))
    return redirect("registry:connection-detail", connection.name)


def _create(form: NewConnectionForm, by: User) -> Connection:
    values = form.cleaned_data
    return services.create_connection(values["name"], by=by, secret=values["secret"], **form.settings())


def _test(name: str, by: User) -> tuple[int, str]:
    probe = probing.test_connection(name, by=by)
    return (messages.SUCCESS if probe.ok else messages.WARNING), probe.sentence


def _enable(name: str, by: User) -> tuple[int, str]:
    services.change_connection(name, by=by, enabled=True)
    return messages.SUCCESS, _("The connection is enabled. The next sync mirrors it.")


def _disable(name: str, by: User) -> tuple[int, str]:
    services.change_connection(name, by=by, enabled=False)
    return messages.SUCCESS, _("The connection is disabled. Its models stay readable as they were last seen.")


def _send_test(name: str, by: User) -> tuple[int, str]:
    return messages.SUCCESS, registering.send_test(name, by=by)


def _remove_webhook(name: str, by: User) -> tuple[int, str]:
    problem = registering.remove(name, by=by)
    return (messages.WARNING if problem else messages.SUCCESS), problem or _("The webhook is removed.")


DEEDS: dict[str, Callable[[str, User], tuple[Any, str]]] = {
    "test": _test,
    "enable": _enable,
    "disable": _disable,
    "send_test": _send_test,
    "remove_webhook": _remove_webhook,
}
