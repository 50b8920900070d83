"""Policies and freezes over the API: the same services and queries as the pages."""

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals.models import ApprovalPolicy, FreezeWindow
from apps.approvals.policies import drafting, freezes, publishing, queries
from apps.approvals.policies.governing import outlook
from apps.approvals.policies.managing import must_manage
from apps.approvals.policies.replaying import dry_run
from apps.approvals.policies.serializers import (
    DryRunOut,
    FreezeFilter,
    FreezeIn,
    FreezeOut,
    LiftIn,
    PolicyChangeIn,
    PolicyDetailOut,
    PolicyIn,
    PolicyOut,
    PublishIn,
)
from apps.approvals.serializers import model_named
from apps.registry.queries import visible_models
from apps.strict import NoFilter, valid


def _said(parsed: dict[str, Any], user: Any) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    """Return the values and the rules (None: not said) of a parsed body; the model by its name."""
    if "model" in parsed:
        parsed["model"] = model_named(parsed["model"], visible_models(user))
    rules = parsed.pop("rules", None)
    return parsed, rules


def _detail(policy_id: int, user: Any, code: int = status.HTTP_200_OK) -> Response:
    policy = queries.get_policy(user, policy_id)
    return Response(PolicyDetailOut(policy, context={"outlook": outlook(policy, by=user)}).data, status=code)


@extend_schema_view(
    get=extend_schema(summary="List policies, newest first, drafts and retired ones included"),
    post=extend_schema(summary="Draft a policy", request=PolicyIn, responses={201: PolicyDetailOut}),
)
class PolicyList(generics.ListCreateAPIView):
    """What each target demands; POST drafts a policy, which governs nothing until it is published."""

    serializer_class = PolicyOut

    def get_queryset(self) -> QuerySet[ApprovalPolicy]:
        valid(NoFilter, self.request.query_params.dict())
        return queries.visible_policies(self.request.user)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user: Any = request.user
        values, rules = _said(valid(PolicyIn, request.data), user)
        number = values.pop("replaces", None)
        replaces = queries.get_policy(user, number) if number else None
        drafted = drafting.draft(values, rules or [], by=user, replaces=replaces)
        return _detail(drafted.pk, user, status.HTTP_201_CREATED)


@extend_schema_view(
    get=extend_schema(summary="One policy, with who could sign under it", responses=PolicyDetailOut),
    patch=extend_schema(summary="Edit a draft", request=PolicyChangeIn, responses=PolicyDetailOut),
    delete=extend_schema(summary="Discard a draft", responses={204: None}),
)
class PolicyDetail(generics.GenericAPIView):
    """One policy. Only drafts change."""

    serializer_class = PolicyDetailOut
    queryset = ApprovalPolicy.objects.none()  # for the schema; each method asks for the policy as the person sees it

    def get(self, request: Request, id: int) -> Response:
        """Return the policy."""
        valid(NoFilter, request.query_params.dict())
        return _detail(id, request.user)

    def patch(self, request: Request, id: int) -> Response:
        """Change a draft."""
        user: Any = request.user
        must_manage(user)
        values, rules = _said(valid(PolicyChangeIn, request.data), user)
        drafting.edit(id, values, rules, by=user, digest=values.pop("digest", ""))
        return _detail(id, user)

    def delete(self, request: Request, id: int) -> Response:
        """Discard a draft."""
        user: Any = request.user
        drafting.discard(id, by=user)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(summary="Publish a draft that somebody else edited", request=PublishIn, responses=PolicyDetailOut)
class Publish(generics.GenericAPIView):
    """Put a draft in force; the policy before it is retired."""

    serializer_class = PolicyDetailOut

    def post(self, request: Request, id: int) -> Response:
        """Publish it."""
        user: Any = request.user
        publishing.publish(id, by=user, **valid(PublishIn, request.data))
        return _detail(id, user)


@extend_schema(summary="What a policy would have blocked of what was let through", responses=DryRunOut)
class DryRunView(generics.GenericAPIView):
    """Try a policy on history. It changes nothing."""

    serializer_class = DryRunOut

    def get(self, request: Request, id: int) -> Response:
        """Return what it would have said."""
        valid(NoFilter, request.query_params.dict())
        user: Any = request.user
        return Response(DryRunOut(dry_run(queries.get_policy(user, id), by=user)).data)


@extend_schema_view(
    get=extend_schema(summary="List freezes, in the order in which they begin", parameters=[FreezeFilter]),
    post=extend_schema(summary="Set a freeze", request=FreezeIn, responses={201: FreezeOut}),
)
class FreezeList(generics.ListCreateAPIView):
    """Times in which nothing is applied; POST sets one."""

    serializer_class = FreezeOut

    def get_queryset(self) -> QuerySet[FreezeWindow]:
        wanted = valid(FreezeFilter, self.request.query_params.dict())
        user: Any = self.request.user
        rows = freezes.visible(user)
        if wanted["standing"] is None:
            return rows
        standing = freezes.standing(timezone.now()).values("pk")
        return rows.filter(pk__in=standing) if wanted["standing"] else rows.exclude(pk__in=standing)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user: Any = request.user
        values = valid(FreezeIn, request.data)
        values["model"] = model_named(values["model"], visible_models(user))
        return Response(FreezeOut(freezes.set_freeze(**values, by=user)).data, status=status.HTTP_201_CREATED)


@extend_schema(summary="Lift a freeze before its end", request=LiftIn, responses=FreezeOut)
class FreezeLift(generics.GenericAPIView):
    """What waited for the freeze goes on."""

    serializer_class = FreezeOut

    def post(self, request: Request, id: int) -> Response:
        """Lift it."""
        user: Any = request.user
        return Response(FreezeOut(freezes.lift(id, by=user, **valid(LiftIn, request.data))).data)


urlpatterns = [
    path("policies/", PolicyList.as_view(), name="policy-list"),
    path("policies/<int:id>/", PolicyDetail.as_view(), name="policy-detail"),
    path("policies/<int:id>/publish/", Publish.as_view(), name="policy-publish"),
    path("policies/<int:id>/dry-run/", DryRunView.as_view(), name="policy-dry-run"),
    path("freezes/", FreezeList.as_view(), name="freeze-list"),
    path("freezes/<int:id>/lift/", FreezeLift.as_view(), name="freeze-lift"),
]
