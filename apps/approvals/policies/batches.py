"""Who a policy keeps out, who is in its groups: for many versions at once, in as many queries as for one."""

from collections.abc import Iterable

from django.contrib.auth.models import Group

from apps.approvals import eligibility
from apps.approvals.models import ApprovalPolicy, ExternalCheck, PolicyRule
from apps.registry.models import ModelVersion


def excluded_from(policy: ApprovalPolicy, versions: Iterable[ModelVersion]) -> dict[int, set[str]]:
    """Return for each version the user names that the policy's exclusions keep from signing it."""
    versions = list(versions)
    editors = _last_editors(versions) if policy.exclude_last_editor else {}
    return {
        version.pk: {
            *(eligibility.registrants(version) if policy.exclude_registrant else ()),
            *(eligibility.run_owners(version) if policy.exclude_run_owner else ()),
            *([editors[version.pk]] if version.pk in editors else ()),
        }
        for version in versions
    }


def members_of(rules: Iterable[PolicyRule]) -> dict[int, frozenset[int]]:
    """Return who is now in each group that the rules name; an empty group is there too."""
    found: dict[int, set[int]] = {rule.group_id: set() for rule in rules if rule.group_id}
    for group, person in Group.objects.filter(pk__in=list(found), user__isnull=False).values_list("pk", "user"):
        found[group].add(person)
    return {group: frozenset(people) for group, people in found.items()}


def _last_editors(versions: list[ModelVersion]) -> dict[int, str]:
    """Return for each version who last reported a check of it."""
    reports = ExternalCheck.objects.filter(version__in=[row.pk for row in versions], current=True)
    return dict(reports.order_by("id").values_list("version_id", "reporter__username"))
