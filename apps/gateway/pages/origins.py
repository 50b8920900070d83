"""That a write comes from MLflow's pages as we serve them: they know no token of a form, so the browser is asked.

`Sec-Fetch-Site` is set by the browser alone. Over plain http to another machine it is not sent; then `Origin` is, with
every request that is no GET.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.errors import NotAllowed

SAFE = ("GET", "HEAD")


def check(request: HttpRequest) -> None:
    """Raise NotAllowed for a write that another site may have sent with this person's session."""
    if request.method in SAFE or _ours(request):
        return
    raise NotAllowed(
        _("This did not come from MLflow's pages in Assent, so nothing was done. Open them anew and try again.")
    )


def _ours(request: HttpRequest) -> bool:
    """Every header that says where a request comes from must say the same, and one must be there."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site != "same-origin":
        return False
    if origin is not None:
        return _is_us(request, origin)
    return site is not None or _is_us(request, _origin_of(request.headers.get("Referer", "")))


def _is_us(request: HttpRequest, origin: str) -> bool:
    return origin == f"{request.scheme}://{request.get_host()}" or origin in settings.CSRF_TRUSTED_ORIGINS


def _origin_of(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
