from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0010_place_the_past")]
    operations = [
        migrations.AddField(
            model_name="connection",
            name="imported_from",
            field=models.TextField(blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="touchedmodel",
            name="failures",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="touchedmodel",
            name="not_before",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="touchedmodel",
            name="error",
            field=models.TextField(blank=True, default=""),
            preserve_default=False,
        ),
    ]
