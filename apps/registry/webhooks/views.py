"""The address that MLflow delivers to. No session, no cookie, no page: the signature says who calls."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.registry.webhooks import receiving
from apps.registry.webhooks.verify import Refusal

ANSWERS = {
    Refusal.UNKNOWN: (404, "Nothing is expected here."),
    Refusal.TOO_LARGE: (413, "The body is larger than 1 MB."),
    Refusal.UNREADABLE: (400, "The body is not an event of MLflow."),
}
NOT_SIGNED = (401, "The delivery is not signed with the secret of this webhook, or not now.")


@csrf_exempt
@never_cache
@require_POST
def receive(request: HttpRequest, connection: str) -> HttpResponse:
    """Answer 202 to what is taken in, also a second time; never wait for MLflow."""
    address = request.META.get("REMOTE_ADDR", "")
    body = request.read(receiving.MAX_BODY + 1)
    if len(body) > receiving.MAX_BODY:
        refused: Refusal | None = receiving.refuse(Refusal.TOO_LARGE, "", address=address)
    else:
        refused = receiving.receive(connection, request.headers, body, address=address)
    if refused is None:
        return JsonResponse({"accepted": True}, status=202)
    status, why = ANSWERS.get(refused, NOT_SIGNED)
    return JsonResponse({"accepted": False, "detail": why}, status=status)
