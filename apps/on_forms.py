"""Refusals of services, shown on the form that asked."""

from collections.abc import Callable
from typing import Any

from django.forms import Form

from apps.errors import DomainError, NotAllowed, NotVisible

OK = 200


def show_on(form: Any, error: DomainError) -> None:
    """Put a refusal on the field that it names, where the form shows one, else on the form as a whole."""
    seen = error.field in form.fields and not form.fields[error.field].widget.is_hidden
    form.add_error(error.field if seen else None, error.message)


def carry_out(form: Form, act: Callable[[], Any]) -> int:
    """Validate and act. Returns the status: OK, or that of the refusal, which then stands on the form.

    Raises NotVisible and NotAllowed: those are no matter of what was written.
    """
    if not form.is_valid():
        return 400
    try:
        act()
    except (NotVisible, NotAllowed):
        raise
    except DomainError as error:
        show_on(form, error)
        return error.status
    return OK
