"""Building a large evidence package, as a job: it registers itself when it is loaded."""

from django.db import transaction

from apps.audit.proof import keys
from apps.compliance.packages import contents, services
from apps.jobs import services as jobs
from apps.jobs.handlers import handles
from apps.jobs.models import Job
from apps.registry.models import ModelVersion


@handles(services.KIND)
def build(job: Job) -> None:
    """Put the package together and keep it until somebody fetches it. Killed at any line, it is begun anew."""
    version = ModelVersion.objects.select_related("model__connection").get(pk=job.args["version"])
    number = job.args["request"]
    asked = None if number is None else contents.requests_of(version).get(pk=number)
    keys.signer()  # facts name the key: the first package makes it
    facts = services.facts_of(version)  # before: what changes meanwhile has it built again
    made = services.build(version, asked)
    with transaction.atomic():
        jobs.renew(job)
        services.keep(version, asked, facts, made)
