"""A token may have been made through several others: one at each renewal."""

from typing import Any

from django.db import migrations, models


def _copy(apps: Any, _schema: Any) -> None:
    tokens = apps.get_model("accounts", "ApiToken")
    links = tokens.makers.through
    made = tokens.objects.exclude(made_through=None).values_list("pk", "made_through")
    rows = (links(from_apitoken_id=token, to_apitoken_id=maker) for token, maker in made.iterator())
    links.objects.bulk_create(rows, batch_size=500)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0008_made_through"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="makers",
            field=models.ManyToManyField(related_name="+", to="accounts.apitoken"),
        ),
        migrations.RunPython(_copy, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField(model_name="apitoken", name="made_through"),
    ]
