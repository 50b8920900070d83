"""The inventory over the API: the same reading, counting and keeping as on the pages."""

from typing import Any

from django.http import QueryDict
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.errors import InvalidInput
from apps.registry import queries
from apps.registry.inventory import counting, rows, saved_views
from apps.registry.inventory.address import Asked, asked_by
from apps.registry.inventory.serializers import (
    MOST_ROWS,
    ORDERINGS,
    ROWS,
    FacetQuery,
    FacetsOut,
    ModelOut,
    ModelPageOut,
    ModelQuery,
    ViewChangeIn,
    ViewIn,
    ViewOut,
)
from apps.registry.models import SavedView
from apps.registry.serializers import NoQuery

KNOWN = frozenset(ModelQuery().fields)
COUNTED = frozenset(FacetQuery().fields)


class ModelList(APIView):
    """The models that you may read."""

    @extend_schema(operation_id="models_list", summary="List models", parameters=[ModelQuery], responses=ModelPageOut)
    def get(self, request: Request) -> Response:
        params = request.query_params
        asked, size = _asked(params, KNOWN), _size(params)
        found = rows.page(request.user, asked.filters, asked.order, size, asked.cursor)
        return Response(
            {
                "next": _link(request, found.next),
                "previous": _link(request, found.previous),
                "results": [rows.as_json(row) for row in found.rows],
            }
        )


class ModelDetail(APIView):
    """One model."""

    @extend_schema(operation_id="models_retrieve", summary="Read a model", responses=ModelOut)
    def get(self, request: Request, name: str) -> Response:
        _asked(request.query_params, frozenset(NoQuery().fields))
        found = queries.get_model(request.user, name)
        return Response(rows.as_json(rows.row(found)))


class Facets(APIView):
    """By what the models that you may read can be filtered, and how many there are of each."""

    @extend_schema(summary="Count models by facet", parameters=[FacetQuery], responses=FacetsOut)
    def get(self, request: Request) -> Response:
        asked = _asked(request.query_params, COUNTED)
        found = counting.counts(request.user, asked.filters, whole=asked.more)
        facets = {
            facet.name: [{"value": choice.value, "count": choice.count} for choice in facet.choices]
            for facet in found.facets
        }
        return Response({"count": found.total, "facets": facets})


class ViewList(generics.ListAPIView):
    """Your saved views and those that others share."""

    serializer_class = ViewOut

    def get_queryset(self) -> Any:
        return saved_views.visible_views(self.request.user)

    @extend_schema(summary="List saved views")
    def get(self, *args: Any, **kwargs: Any) -> Response:
        _asked(self.request.query_params, frozenset({"page", "page_size"}))
        return super().get(*args, **kwargs)

    @extend_schema(summary="Save a view", request=ViewIn, responses={201: ViewOut})
    def post(self, request: Request) -> Response:
        given = ViewIn(data=request.data)
        given.is_valid(raise_exception=True)
        view = saved_views.save_view(**given.validated_data, by=_person(request))
        return Response(ViewOut(view).data, status=status.HTTP_201_CREATED)


class ViewDetail(APIView):
    """One saved view."""

    @extend_schema(summary="Read a saved view", responses=ViewOut)
    def get(self, request: Request, view: int) -> Response:
        _asked(request.query_params, frozenset())
        return Response(ViewOut(saved_views.get_view(request.user, view)).data)

    @extend_schema(summary="Rename or share a view", request=ViewChangeIn, responses=ViewOut)
    def patch(self, request: Request, view: int) -> Response:
        given = ViewChangeIn(data=request.data)
        given.is_valid(raise_exception=True)
        changed: SavedView = saved_views.change_view(view, by=_person(request), **given.validated_data)
        return Response(ViewOut(changed).data)

    @extend_schema(summary="Remove a view", request=None, responses={204: None})
    def delete(self, request: Request, view: int) -> Response:
        saved_views.remove_view(view, by=_person(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _person(request: Request) -> Any:
    return request.user


def _asked(params: QueryDict, known: frozenset[str]) -> Asked:
    """Read the parameters. Raises InvalidInput naming the first that is unknown or malformed."""
    if unknown := sorted(set(params) - known):
        raise InvalidInput(_("Unknown parameter."), field=unknown[0])
    given = params.copy()
    if "ordering" in given:
        ordering = str(given["ordering"])
        name = ORDERINGS.get(ordering.removeprefix("-"))
        if name is None:
            known_names = ", ".join(ORDERINGS)
            raise InvalidInput(
                _("Order by one of %(names)s, with a minus to turn it round.") % {"names": known_names},
                field="ordering",
            )
        given["sort"] = ("-" if ordering.startswith("-") else "") + name
    return asked_by(given)


def _size(params: QueryDict) -> int:
    text = params.get("page_size", str(ROWS))
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MOST_ROWS):
        message = _("Must be a whole number from 1 to %(most)d.") % {"most": MOST_ROWS}
        raise InvalidInput(message, field="page_size")
    return int(text)


def _link(request: Request, cursor: str) -> str | None:
    if not cursor:
        return None
    params = request.query_params.copy()
    params["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{params.urlencode()}")


urlpatterns = [
    path("models/", ModelList.as_view(), name="model-list"),
    path("models/<model:name>/", ModelDetail.as_view(), name="model-detail"),
    path("facets/", Facets.as_view(), name="facets"),
    path("views/", ViewList.as_view(), name="view-list"),
    path("views/<int:view>/", ViewDetail.as_view(), name="view-detail"),
]
