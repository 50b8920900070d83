"""What MLflow's pages ask of parts that nobody reaches through Assent: answered with nothing, so that they go on."""

import json

from django.http import HttpResponse

from apps.gateway.routes import Route

NOTHING: dict[tuple[str, str], object] = {
    ("GET", "/api/2.0/mlflow/gateway-proxy"): {"endpoints": []},
    ("POST", "/api/2.0/mlflow/experiments/search-datasets"): {"dataset_summaries": []},
    ("POST", "/api/3.0/mlflow/datasets/search"): {},
    ("GET", "/api/3.0/mlflow/scorers/list"): {},
    ("POST", "/api/3.0/mlflow/traces/metrics"): {},
    ("GET", "/api/3.0/mlflow/gateway/endpoints/list"): {},
    ("GET", "/api/3.0/mlflow/gateway/secrets/config"): {"secrets_available": False},
    ("GET", "/api/3.0/mlflow/assistant/config"): {"providers": {}, "projects": {}, "remote_access_allowed": False},
    ("GET", "/api/3.0/mlflow/assistant/providers"): {"providers": [], "resolved": None},
    ("GET", "/api/3.0/mlflow/ui-telemetry"): {
        "disable_ui_telemetry": True, "disable_ui_events": [], "ui_rollout_percentage": 0,
    },
    ("POST", "/api/3.0/mlflow/ui-telemetry"): {"status": "disabled"},
}  # fmt: skip


def answer(route: Route) -> HttpResponse | None:
    """Return the empty answer to a question of the pages; None where there is none."""
    found = NOTHING.get((route.method, route.path.replace("/ajax-api/", "/api/", 1)))
    return None if found is None else HttpResponse(json.dumps(found), content_type="application/json")
