"""Tell from the trail, and from what the mirror says now, which version was where from when until when."""

from django.db import migrations

MOVED, CHANGED = "version.stage_changed", "model.changed"
CAME, MODEL_CAME = "version.mirrored", "model.mirrored"
LEFT, MODEL_LEFT = "version.deleted", "model.deleted"
NOWHERE = (None, "", "None")
BATCH = 1000


class Past:
    """What held a stage or an alias, as the events say in their order. A key names a version, or a model's alias."""

    def __init__(self, placement, versions):
        self.placement, self.versions = placement, versions  # versions: {(model, number): primary key}
        self.held, self.rows, self.ends = {}, [], {}

    def begin(self, key, model, number, place, at, *, at_latest=False, source="mlflow", request=None):
        """Note that a version is somewhere from then on; a version that is not known here is left out."""
        version = self.versions.get((model, number))
        if version is None:
            return
        name = "alias" if key[0] == "alias" else "stage"
        row = self.placement(
            model_id=model, version_id=version, since=max(at, self.ends.get(key, at)), at_latest=at_latest,
            source=source, request=request, **{name: place},
        )  # fmt: skip
        self.held[key] = row
        self.rows.append(row)

    def end(self, key, at):
        """Note that it is there no more."""
        row = self.held.pop(key, None)
        if row is not None:
            row.until = self.ends[key] = max(at, row.since)

    def tell(self, event):
        """Take up one event."""
        number = event.target.rpartition(" v")[2]
        number = int(number) if number.isdecimal() and len(number) < 10 else 0
        after = event.data.get("after") or {}
        if event.action == MODEL_CAME:
            for row in after.get("versions") or ():
                self.came(event, row.get("number"), row.get("stage"))
        elif event.action == CAME:
            self.came(event, number, after.get("stage"))
        elif event.action == MOVED:
            self.moved(event, number, (event.data.get("before") or {}).get("stage"), after.get("stage"))
        elif event.action == CHANGED:
            self.pointed(event, (event.data.get("before") or {}).get("aliases") or {}, after.get("aliases") or {})
        else:
            self.left(event, number)

    def came(self, event, number, stage):
        """A version was seen for the first time, or again."""
        key = ("stage", event.model_id, number)
        self.end(key, event.at)
        if stage not in NOWHERE:
            self.begin(key, event.model_id, number, stage, event.at, at_latest=True)

    def moved(self, event, number, before, after):
        """A version changed its stage."""
        key = ("stage", event.model_id, number)
        if key not in self.held and before not in NOWHERE:
            self.begin(key, event.model_id, number, before, event.at, at_latest=True)
        self.end(key, event.at)
        if after not in NOWHERE:
            self.begin(key, event.model_id, number, after, event.at, **caused(event))

    def pointed(self, event, before, after):
        """Aliases were set, moved or removed."""
        for alias in {**before, **after}:
            key = ("alias", event.model_id, alias)
            if key not in self.held and alias in before:
                self.begin(key, event.model_id, before[alias], alias, event.at, at_latest=True)
            self.end(key, event.at)
            if alias in after:
                self.begin(key, event.model_id, after[alias], alias, event.at, **caused(event))

    def left(self, event, number):
        """A version is gone, or a whole model, and what pointed to it."""
        gone = {event.model_id} if event.action == MODEL_LEFT else {self.versions.get((event.model_id, number))}
        column = "model_id" if event.action == MODEL_LEFT else "version_id"
        for key in [key for key, row in self.held.items() if key[1] == event.model_id]:
            if getattr(self.held[key], column) in gone:
                self.end(key, event.at)


def caused(event):
    """Return who did it, and which request says so."""
    request = event.data.get("request")
    source = "mlflow" if event.source == "mlflow" else "assent"
    return {"source": source, "request": request if isinstance(request, int) else None}


def agree(past, apps):
    """Bring the end of the story in line with what the mirror says now: it is the truth, the trail may begin late."""
    now = {}
    versions = apps.get_model("registry", "ModelVersion").objects.filter(deleted_at=None, model__deleted_at=None)
    columns = ("pk", "model_id", "number", "stage", "stage_since", "updated_at")
    for pk, model, number, stage, since, updated in versions.exclude(stage="None").values_list(*columns).iterator():
        now["stage", model, number] = (pk, number, stage, since or updated)
    aliases = apps.get_model("registry", "ModelAlias").objects.select_related("version", "model")
    for row in aliases.iterator():
        since = max(row.version.created_at, row.model.first_seen_at)
        now["alias", row.model_id, row.alias] = (row.version_id, row.version.number, row.alias, since)
    for key in [key for key in past.held if key not in now]:
        past.end(key, past.held[key].since)
    for key, (pk, number, place, since) in now.items():
        held = past.held.get(key)
        if held and (held.version_id, held.stage or held.alias) == (pk, place):
            held.since = min(held.since, since) if held.at_latest and key not in past.ends else held.since
            continue
        past.end(key, since)
        past.begin(key, key[1], number, place, since, at_latest=True)


def place(apps, schema_editor):
    """Fill the table. Events of models that are no longer mirrored have nothing to point to, and are left out."""
    versions = apps.get_model("registry", "ModelVersion").objects
    keys = {(model, number): pk for pk, model, number in versions.values_list("pk", "model_id", "number").iterator()}
    placement = apps.get_model("registry", "Placement")
    past = Past(placement, keys)
    events = apps.get_model("audit", "AuditEvent").objects.filter(outcome="done", model_id__isnull=False)
    events = events.filter(action__in=[MOVED, CHANGED, CAME, MODEL_CAME, LEFT, MODEL_LEFT]).order_by("id")
    for event in events.only("at", "action", "source", "model_id", "target", "data").iterator(chunk_size=BATCH):
        past.tell(event)
    agree(past, apps)
    placement.objects.bulk_create(past.rows, batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [("registry", "0009_placements"), ("audit", "0002_append_only")]
    operations = [migrations.RunPython(place, migrations.RunPython.noop)]
