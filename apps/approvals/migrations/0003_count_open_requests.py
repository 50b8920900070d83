"""Fill the column by which lists of models show how many requests are unfinished; from now on services keep it."""

from django.db import migrations
from django.db.models import Count

UNFINISHED = ["open", "changes_requested", "approved", "applying", "apply_failed"]


def count_open_requests(apps, schema_editor):
    """Write the number to each model that has any."""
    requests = apps.get_model("approvals", "ApprovalRequest").objects.filter(state__in=UNFINISHED)
    models = apps.get_model("registry", "RegisteredModel").objects
    for model_id, number in requests.values_list("version__model").annotate(number=Count("pk")).order_by():
        models.filter(pk=model_id).update(open_requests=number)


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_drift")]
    operations = [migrations.RunPython(count_open_requests, migrations.RunPython.noop)]
