import time, statistics
from datetime import UTC, datetime
from django.db import connection
from django.test import Client
from apps.approvals.models import *
from apps.registry.models import ModelVersion, RegisteredModel
from apps.approvals import services
from tests.builders import *

def timed(client, url, n=15):
    times = []; import gc; client.get(url); gc.collect(); gc.freeze()
    for _ in range(n):
        t = time.process_time(); r = client.get(url); times.append((time.process_time() - t) * 1000); assert r.status_code == 200, r.status_code
    times.sort(); print("min", round(times[0]))
    return f"{url[:40]}: median {statistics.median(times):.0f} p95 {times[-2]:.0f} ms {len(r.content)//1024} kB"

def test_bench(policy, alice, bob, charlie, admin):
    RegisteredModel.objects.bulk_create(RegisteredModel(name=f"m{i}", created_at=THEN, updated_at=THEN, risk="high" if i % 3 else "") for i in range(5000))
    models = list(RegisteredModel.objects.all())
    ModelVersion.objects.bulk_create(ModelVersion(model=m, number=2, stage="None", created_at=THEN, updated_at=THEN, metrics={f"k{i}": 0.5 for i in range(200)}, run={"tags": {str(i): "x"*50 for i in range(40)}}) for m in models)
    versions = list(ModelVersion.objects.all())
    ApprovalRequest.objects.bulk_create(ApprovalRequest(version=v, from_stage="None", to_stage="Production", archive_existing=True, requester=alice, reason="r"*200, policy=policy, state="open", evidence={"metrics": {f"k{i}": "0.5" for i in range(200)}}, evidence_digest="0"*64, submitted_at=THEN, tally={"given":0,"needed":1,"checks":1}, headline={"metric":"auc","before":"0.9","after":"0.95","verdict":"better"}) for v in versions)
    OpenSeat.objects.bulk_create(OpenSeat(request=r) for r in ApprovalRequest.objects.all())
    BarredReviewer.objects.bulk_create(BarredReviewer(request=r, username="alice") for r in ApprovalRequest.objects.all())
    with connection.cursor() as c: c.execute("ANALYZE")
    for user in (bob, alice, charlie):
        client = Client(); client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        for tab in ("waiting", "team", "mine", "decided"):
            print(user, timed(client, f"/reviews/?tab={tab}"))
        r = client.get("/reviews/?tab=mine")
        if r.context["next"]: print(user, "next", timed(client, "/reviews/" + r.context["next"]))
        print(user, timed(client, "/requests/"))

def test_bench_page(model, policy, alice, bob, erin):
    from apps.accounts.models import User
    files = [{"path": f"data/part-{i}.bin", "size": i * 100} for i in range(300)]
    make_version(model, 1, stage="Production", metrics={f"metric_{i}_loss": 0.5 + i for i in range(500)}, files=files)
    v = make_version(model, 2, metrics={f"metric_{i}_loss": 0.4 + i for i in range(500)}, files=[{**f, "size": f["size"] + 1} for f in files], params={f"p{i}": str(i) for i in range(100)})
    asked = services.open_request(v.pk, "Production", reason="x", by=alice)
    people = [User.objects.create_user(f"p{i}", first_name=f"P{i}") for i in range(200)]
    Review.objects.bulk_create(Review(request=asked, requester=alice, reviewer=p, counts_for=p, verdict="approve", evidence_digest=asked.evidence_digest, comment="c"*100, statement="I sign", signed_name="P") for p in people)
    client = Client(); client.force_login(bob, backend="django.contrib.auth.backends.ModelBackend")
    print(timed(client, f"/requests/{asked.pk}/"))
    import traceback, collections
    where = []
    def note(execute, sql, params, many, context):
        stack = [f"{f.filename.split('/')[-1]}:{f.name}:{f.lineno}" for f in traceback.extract_stack() if "/work/main/apps" in f.filename or "/work/main/config" in f.filename]
        where.append((" < ".join(stack[::-1][:6]), sql[:90]))
        return execute(sql, params, many, context)
    with connection.execute_wrapper(note):
        client.get(f"/requests/{asked.pk}/")
    for w in where: print(w[0]); print("      ", w[1])
