"""Numbered pages, for lists that are short."""

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.errors import InvalidInput

ROWS = 50


def page_of(rows: QuerySet, number: int) -> Page:
    """Return that page. Raises InvalidInput for a page after the last."""
    paginator = Paginator(rows, ROWS)
    if number > paginator.num_pages:
        message = _("There are only %(pages)d pages. Choose one of them.") % {"pages": paginator.num_pages}
        raise InvalidInput(message, field="page")
    return paginator.page(number)
