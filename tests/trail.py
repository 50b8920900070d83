"""A long trail in little time, for tests of plans and memory and for the bench: rows by SQL, seals that nobody checks.

Half of it is what a sync saw, the rest what five hundred people did; a few actions, people and models are much busier
than the others, one in twenty-five attempts is refused, and some things are rare.
"""

from django.db import connection

from apps.audit.models import AuditEvent, ChainHead

SECONDS = 6  # between two events: ten million take two years
_CHANCE = "(({i} * {salt} % 2147483647) % {of})"  # the same in every run, and evenly spread


def fill(count: int, *, models: int = 10_000) -> None:
    """Write the events 1 to `count`, the last one an hour ago, on models 1 to `models`."""
    fields = list(AuditEvent._meta.concrete_fields)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(_values(count, models).get(field.column, "NULL" if field.null else "''") for field in fields)
    ChainHead.objects.update_or_create(id=1, defaults={"last_id": count})
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO audit_auditevent ({columns}) {_numbers(count)} SELECT {values} FROM numbers")
        cursor.execute("ANALYZE audit_auditevent")


def _numbers(count: int) -> str:
    if connection.vendor == "postgresql":
        return f"WITH numbers(i) AS (SELECT CAST(i AS bigint) FROM generate_series(1, {count}) AS i)"
    return f"WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})"


def _values(count: int, models: int) -> dict[str, str]:
    salts = {"kind": 1664525123, "person": 1103515243, "model": 742938285, "door": 1226874159, "attempt": 950706376}
    of = {"kind": 1000, "person": 500, "model": models, "door": 200, "attempt": 100}
    kind, person, model, door, attempt = (_CHANCE.format(i="i", salt=salts[name], of=of[name]) for name in salts)
    busy = _CHANCE.format(i="i", salt=62089911, of=20)
    text = "lpad(CAST({} AS text), {}, '0')" if connection.vendor == "postgresql" else "printf('%0{1}d', {0})"
    number = text.format(f"CASE WHEN {busy} = 0 THEN 1 ELSE 1 + {model} END", 5)
    back = f"({count} - i) * {SECONDS} + 3600"
    seconds_ago = (
        f"now() - ({back}) * interval '1 second'"
        if connection.vendor == "postgresql"
        else f"datetime('now', '-' || ({back}) || ' seconds')"
    )
    synced = f"{kind} < 500"
    moved = f"{kind} < 10"  # to another stage; one in 97 of these into the archive
    return {
        "id": "i",
        "at": seconds_ago,
        "action": f"""CASE WHEN i % 100003 = 0 THEN 'policy.published' WHEN i % 20011 = 0 THEN 'grant.changed'
            WHEN {moved} THEN 'version.stage_changed' WHEN {kind} < 300 THEN 'version.changed'
            WHEN {kind} < 500 THEN 'version.mirrored' WHEN {kind} < 650 THEN 'session.started'
            WHEN {kind} < 750 THEN 'request.opened' WHEN {kind} < 900 THEN 'request.reviewed'
            WHEN {kind} < 960 THEN 'request.applied' WHEN {kind} < 990 THEN 'check.reported'
            WHEN {kind} < 999 THEN 'view.saved' ELSE 'freeze.set' END""",
        "outcome": f"CASE WHEN {attempt} < 4 THEN 'refused' WHEN {attempt} < 5 THEN 'failed' ELSE 'done' END",
        "source": f"CASE WHEN {synced} THEN 'mlflow' WHEN {attempt} < 60 THEN 'page' WHEN {attempt} < 90 THEN 'api'"
        " WHEN i % 5003 = 0 THEN 'command' ELSE 'worker' END",
        "actor": f"CASE WHEN {synced} THEN 'system:mlflow' WHEN i % 50021 = 0 THEN 'zoe'"
        f" WHEN {person} < 50 THEN 'user0' ELSE 'user' || CAST({person} AS text) END",
        "actor_role": "'ml_engineer'",
        "model_id": f"CASE WHEN {kind} >= 500 AND {kind} < 650 THEN NULL WHEN {busy} = 0 THEN 1 ELSE 1 + {model} END",
        "target_type": f"CASE WHEN i % 100003 = 0 THEN 'policy' WHEN {synced} THEN 'version'"
        f" WHEN {kind} < 650 THEN 'session' WHEN {kind} < 960 THEN 'request' ELSE 'model' END",
        "target": f"CASE WHEN {synced} THEN 'model-' || {number} || ' v' || CAST(1 + i % 10 AS text)"
        f" WHEN {kind} < 960 THEN 'request ' || CAST(i / 6 AS text) ELSE 'model-' || {number} END",
        "reason": f"CASE WHEN {attempt} < 4 THEN 'Your own request: somebody else has to review it.' ELSE '' END",
        "data": """('{"before": {"stage": "None"}, "after": {"stage": "'"""
        """ || CASE WHEN i % 97 = 0 THEN 'Archived' ELSE 'Staging' END || '"}, "evidence_digest": "'"""
        f""" || {text.format("i", 64)} || '"}}')""" + ("::jsonb" if connection.vendor == "postgresql" else ""),
        "request_id": f"CASE WHEN {synced} THEN 'job-' || CAST(i / 500 AS text) ELSE 'r-' || CAST(i / 3 AS text) END",
        "address": f"CASE WHEN {synced} THEN '' ELSE '10.0.0.' || CAST({door} AS text) END",
        "previous_hash": text.format("i - 1", 64),
        "hash": text.format("i", 64),
    }
