"""What signing asks for becomes a choice of the policy: what was yes is a password, what was no is nothing.

The rows of published policies are rewritten once, with the same meaning, while the refusal to change them is taken away.
"""

from django.db import migrations, models

from apps.approvals.policies import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection)


def remove(apps, schema_editor):
    triggers.remove(schema_editor.connection)


def choose(apps, schema_editor):
    apps.get_model("approvals", "ApprovalPolicy").objects.filter(reauthenticate=True).update(sign_with="password")


def forget(apps, schema_editor):
    """Go back to yes and no: a second factor becomes a password, which is the most that there was."""
    apps.get_model("approvals", "ApprovalPolicy").objects.exclude(sign_with="none").update(reauthenticate=True)


class Migration(migrations.Migration):
    dependencies = [("approvals", "0014_waivers_name_their_report")]

    operations = [
        migrations.RunPython(remove, install),
        migrations.AddField(
            model_name="approvalpolicy",
            name="sign_with",
            field=models.CharField(
                choices=[
                    ("none", "Nothing: being signed in is enough"),
                    ("password", "Password, or anything stronger"),
                    ("factor", "Second factor: the code of an app, or a passkey"),
                ],
                default="none",
                max_length=10,
            ),
        ),
        migrations.RunPython(choose, forget),
        migrations.RemoveField(model_name="approvalpolicy", name="reauthenticate"),
        migrations.RunPython(install, remove),
    ]
