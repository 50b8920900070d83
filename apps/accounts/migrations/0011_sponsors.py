import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def from_the_trail(apps, schema_editor):
    """Note who made each service account and each of its tokens, as the trail tells."""
    User, Token = apps.get_model("accounts", "User"), apps.get_model("accounts", "ApiToken")
    Sponsor = apps.get_model("accounts", "Sponsor")
    events = apps.get_model("audit", "AuditEvent").objects.filter(outcome="done").order_by("id")
    people = dict(User.objects.values_list("username", "pk"))
    accounts = {name: pk for name, pk in User.objects.filter(is_service=True).values_list("username", "pk")}
    found = {}
    for name, actor, at in events.filter(action="user.created", target__in=accounts).values_list(
        "target", "actor", "at"
    ):
        found.setdefault((accounts[name], people.get(actor), None), at)
    for pk, account, prefix in Token.objects.filter(user__is_service=True).values_list("pk", "user", "prefix"):
        learnt = events.filter(action__in=("token.created", "token.renewed"), target__endswith=f"({prefix})")
        for actor, at in learnt.values_list("actor", "at"):
            found.setdefault((account, people.get(actor), pk), at)
    Sponsor.objects.bulk_create(
        Sponsor(account_id=account, person_id=person, token_id=token, since=at)
        for (account, person, token), at in found.items()
        if person not in (None, account)
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_grants_by_model"),
        ("audit", "0016_kept_grants"),
    ]

    operations = [
        migrations.CreateModel(
            name="Sponsor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sponsors",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.apitoken",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("token", None)),
                        fields=("account", "person"),
                        name="accounts_made_an_account_once",
                    ),
                    models.UniqueConstraint(fields=("token", "person"), name="accounts_sponsor_once_per_token"),
                    models.CheckConstraint(
                        condition=models.Q(("account", models.F("person")), _negated=True),
                        name="accounts_not_ones_own_sponsor",
                    ),
                ],
            },
        ),
        migrations.RunPython(from_the_trail, migrations.RunPython.noop),
    ]
