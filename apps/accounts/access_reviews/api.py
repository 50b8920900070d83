"""Access reviews over the API: the same services as the pages."""

from typing import Any, cast

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access_reviews import deciding, opening, queries, steering
from apps.accounts.access_reviews.serializers import (
    AccessReviewIn,
    AccessReviewItemOut,
    AccessReviewOut,
    CancelIn,
    CoverageIn,
    DecideIn,
    EndEarlyIn,
    ItemFilterIn,
    ItemResultOut,
    PreviewOut,
    ReassignIn,
    ReviewFilterIn,
    outs,
    results,
)
from apps.accounts.models import AccessReview, AccessReviewItem, User
from apps.accounts.queries import needs_people_manage, person_named
from apps.errors import InvalidInput
from apps.strict import Strict, valid


@extend_schema_view(
    get=extend_schema(summary="List access reviews, newest first", parameters=[ReviewFilterIn]),
    post=extend_schema(summary="Open an access review", request=AccessReviewIn, responses={201: AccessReviewOut}),
)
class ReviewList(generics.ListCreateAPIView):
    """All of them with `people:manage`, else those with a grant that you answer for. POST opens one."""

    serializer_class = AccessReviewOut

    def get_queryset(self) -> QuerySet[AccessReview]:
        wanted, by = valid(ReviewFilterIn, self.request.query_params.dict()), cast(User, self.request.user)
        rows = queries.visible_reviews(by).order_by("-pk")
        return rows.filter(state=wanted["state"]) if wanted["state"] else rows

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(outs(list(rows), cast(User, request.user)))

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        by, terms = cast(User, request.user), valid(AccessReviewIn, request.data)
        needs_people_manage(by)
        review = opening.open_review(terms.pop("name"), terms.pop("until"), by=by, **terms)
        return Response(outs([review], by)[0], status=status.HTTP_201_CREATED)


@extend_schema(summary="Look at what an access review would cover", request=CoverageIn, responses=PreviewOut)
class Preview(APIView):
    """How many grants, and who would answer for how many; nothing is written."""

    def post(self, request: Request) -> Response:
        """Answer with what it would cover now."""
        by = cast(User, request.user)
        needs_people_manage(by)
        found = opening.look(**valid(CoverageIn, request.data), by=by)
        owners = [{"owner": name or None, "grants": number} for name, number in found.by_owner]
        counts = {"grants": found.grants, "more": found.more, "two": found.two, "nobody": found.nobody}
        return Response(PreviewOut({**counts, "owners": owners, "digest": found.digest}).data)


@extend_schema(summary="Read an access review", responses=AccessReviewOut)
class ReviewDetail(APIView):
    """One access review with its counts."""

    def get(self, request: Request, review: int) -> Response:
        """Answer with it."""
        valid(Strict, request.query_params.dict())
        by = cast(User, request.user)
        return Response(outs([queries.get_review(by, review)], by)[0])


@extend_schema_view(get=extend_schema(summary="List the grants of an access review", parameters=[ItemFilterIn]))
class ItemList(generics.ListAPIView):
    """Each grant of it that you may see, by holder: all with `people:manage`, else those that you answer for."""

    serializer_class = AccessReviewItemOut

    def get_queryset(self) -> QuerySet[AccessReviewItem]:
        if "review" not in self.kwargs:  # the schema is generated
            return AccessReviewItem.objects.none()
        wanted, by = valid(ItemFilterIn, self.request.query_params.dict()), cast(User, self.request.user)
        return queries.with_answerers(queries.items_of(by, queries.get_review(by, self.kwargs["review"]), **wanted))


@extend_schema_view(get=extend_schema(summary="List the grants that wait for your answer"))
class Waiting(generics.ListAPIView):
    """What you answer for, and with `people:manage` what any admin may, in every access review that is open."""

    serializer_class = AccessReviewItemOut

    def get_queryset(self) -> QuerySet[AccessReviewItem]:
        valid(Strict, self.request.query_params.dict())
        return queries.with_answerers(queries.waiting_for(cast(User, self.request.user)))


@extend_schema(summary="Confirm or remove grants", request=DecideIn, responses=ItemResultOut(many=True))
class Decide(APIView):
    """Each item for itself: one that is refused says why, and holds up no other."""

    def post(self, request: Request, review: int) -> Response:
        """Answer with what became of each."""
        by, terms = cast(User, request.user), valid(DecideIn, request.data)
        found = queries.get_review(by, review)
        done = deciding.decide_several(terms["ids"], terms["decision"], by=by, reason=terms["reason"], review=found.pk)
        return Response(results(done))


@extend_schema(summary="Reassign grants", request=ReassignIn, responses=ItemResultOut(many=True))
class Reassign(APIView):
    """Have somebody else answer for them; each item for itself."""

    def post(self, request: Request, review: int) -> Response:
        """Answer with what became of each."""
        by, terms = cast(User, request.user), valid(ReassignIn, request.data)
        found = queries.get_review(by, review)
        needs_people_manage(by)
        person = person_named(terms["person"]) if terms["person"] else None
        if terms["person"] and person is None:
            raise InvalidInput("Nobody has this user name.", field="person")
        done = steering.reassign_several(terms["ids"], person, by=by, reason=terms["reason"], review=found.pk)
        return Response(results(done))


@extend_schema(summary="End an access review early", request=EndEarlyIn, responses=AccessReviewOut)
class EndEarly(APIView):
    """What is pending lapses within minutes, as when it is due; then it closes. You have to see all that is pending."""

    def post(self, request: Request, review: int) -> Response:
        """End it and answer with it."""
        by, terms = cast(User, request.user), valid(EndEarlyIn, request.data)
        found = queries.get_review(by, review)
        return Response(outs([steering.end_early(found.pk, by=by, **terms)], by)[0])


@extend_schema(summary="Cancel an access review", request=CancelIn, responses=AccessReviewOut)
class Cancel(APIView):
    """Nothing lapses; what is decided stays decided. You have to see all that is pending."""

    def post(self, request: Request, review: int) -> Response:
        """Cancel it and answer with it."""
        by, terms = cast(User, request.user), valid(CancelIn, request.data)
        found = queries.get_review(by, review)
        return Response(outs([steering.cancel(found.pk, by=by, **terms)], by)[0])


urlpatterns = [
    path("access-reviews/", ReviewList.as_view(), name="access-review-list"),
    path("access-reviews/preview/", Preview.as_view(), name="access-review-preview"),
    path("access-reviews/waiting/", Waiting.as_view(), name="access-review-waiting"),
    path("access-reviews/<int:review>/", ReviewDetail.as_view(), name="access-review"),
    path("access-reviews/<int:review>/items/", ItemList.as_view(), name="access-review-items"),
    path("access-reviews/<int:review>/decide/", Decide.as_view(), name="access-review-decide"),
    path("access-reviews/<int:review>/reassign/", Reassign.as_view(), name="access-review-reassign"),
    path("access-reviews/<int:review>/end/", EndEarly.as_view(), name="access-review-end"),
    path("access-reviews/<int:review>/cancel/", Cancel.as_view(), name="access-review-cancel"),
]
