from django.db import migrations

# The roles as they are when this is run: a later role must not change what was granted before.
MODEL_ROLES = (  # highest first
    ("admin", {"model_read", "model_write", "model_deploy", "model_delete"}),
    ("ml_engineer", {"model_read", "model_write", "model_deploy"}),
    ("data_scientist", {"model_read", "model_write"}),
    ("viewer", {"model_read"}),
)
DUTIES = (("reviewer", {"model_read", "model_review"}), ("emergency", {"model_read", "model_bypass"}))
INSTALLATION = {"audit_read", "connection_manage", "people_manage", "policy_manage", "sync_run", "webhook_manage"}
ON_MODELS = {"model_bypass", "model_delete", "model_deploy", "model_read", "model_review", "model_write"}
REASON = "Held before grants were kept with a reason"
BATCH = 500


def roles_for(held, *, everywhere):
    """Return the roles, and the single permissions beside them, that give exactly `held`."""
    more = INSTALLATION if everywhere else set()
    roles = ((name, gives | more if name == "admin" else gives) for name, gives in MODEL_ROLES)
    rank = next(((name, gives) for name, gives in roles if gives <= held), None)
    chosen = [*([rank] if rank else []), *(duty for duty in DUTIES if duty[1] <= held)]
    covered = set().union(*(gives for _name, gives in chosen))
    return [name for name, _gives in chosen] + sorted(name.replace("_", ":") for name in held - covered)


def keep_as_grants(apps, schema_editor):
    """Write down as grants what groups and people hold, on single models and on the whole registry."""
    Grant = apps.get_model("accounts", "Grant")
    held = {}
    for holder, table in (("group_id", "RegisteredModelGroupPermission"), ("user_id", "RegisteredModelUserPermission")):
        rows = apps.get_model("registry", table).objects.filter(permission__codename__in=ON_MODELS)
        for who, model, name in rows.values_list(holder, "content_object_id", "permission__codename").iterator(2000):
            held.setdefault((holder, who, model), set()).add(name)
    ours = {"permission__content_type__app_label__in": ["accounts", "registry"]}
    ours["permission__codename__in"] = ON_MODELS | INSTALLATION
    groups = apps.get_model("auth", "Group").permissions.through.objects.filter(**ours)
    people = apps.get_model("accounts", "User").user_permissions.through.objects.filter(**ours)
    for holder, rows in (("group_id", groups), ("user_id", people)):
        for who, name in rows.values_list(holder, "permission__codename"):
            held.setdefault((holder, who, 0), set()).add(name)
    new = [
        Grant(
            **{"group_id" if holder == "group_id" else "person_id": who},
            role=role,
            scope="model" if model else "registry",
            model_id=model,
            reason=REASON,
            made_by="system:migration",
        )
        for (holder, who, model), names in held.items()
        for role in roles_for(names, everywhere=not model)
    ]
    Grant.objects.bulk_create(new, batch_size=BATCH)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_grants'),
        ('registry', '0013_grants_with_an_end'),
    ]

    operations = [
        migrations.RunPython(keep_as_grants, migrations.RunPython.noop),
    ]
