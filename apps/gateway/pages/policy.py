"""What a browser may do with what comes from MLflow: its pages run its own scripts, and files of people run nowhere.

The pages share Assent's origin. So scripts and styles come from MLflow's build alone (a folder, not the whole origin:
files that people log lie there too), scripts ask nothing but what lies below /mlflow/, and a file is never handed out
as something that a page could run.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

DAYS_28 = 28 * 24 * 3600  # seconds, as MLflow itself allows: names in its build change with their content
SHOWN = ("image/", "audio/", "video/")  # what pages show of files as they are; scripts in pictures do not run there
PLAIN = ("application/json", "application/pdf", "application/octet-stream", "text/plain", "text/csv")
OTHERS = "default-src 'none'; sandbox"  # what is no page of MLflow's, opened by itself


def page(request: HttpRequest) -> str:
    """Return the policy of MLflow's page."""
    ours = f"{request.get_host()}/mlflow/"
    build = f"{ours}static-files/"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {build}",
            f"style-src 'unsafe-inline' {build}",
            f"img-src {ours} data: blob:",
            f"font-src data: {build}",
            f"connect-src {ours}",
            f"manifest-src {build}",
            f"worker-src {build}",
            "media-src blob:",
            "frame-src blob:",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def restrict(request: HttpRequest, response: HttpResponseBase, path: str) -> None:
    """Give an answer the headers that its kind needs; `path` is MLflow's own."""
    if path == "/" and response.status_code in (200, 304):
        response.headers["Content-Security-Policy"] = page(request)
        return
    response.headers["Content-Security-Policy"] = OTHERS
    if path.startswith("/static-files/"):
        if path.startswith("/static-files/static/") and response.status_code in (200, 206, 304):
            response.headers["Cache-Control"] = f"private, max-age={DAYS_28}, immutable"
    elif not _harmless(response.headers.get("Content-Type", "")):
        response.headers["Content-Type"] = "application/octet-stream"


def _harmless(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind in PLAIN or kind.startswith(SHOWN)
