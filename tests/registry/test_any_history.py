"""Whatever happens in MLflow, in whatever order, with syncs of any kind and crashes between: in the end both agree."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from apps.audit import chain
from apps.audit.models import AuditEvent
from apps.registry.models import DEFAULT_CONNECTION, SyncKind, SyncRun
from apps.registry.syncing import complete, runs
from tests.registry.test_passes import in_mlflow, look, mirrored
from tests.registry.test_placements import held_now, placed_now

NAMES = ["a", "b", "c"]
STAGES = ["None", "Staging", "Production", "Archived"]
name = st.sampled_from(NAMES)


class Crash(Exception):
    """Stands for a process that ends in the middle of a write."""


class History(RuleBasedStateMachine):
    """`known` maps each model in MLflow to its live versions."""

    registry = None

    def __init__(self) -> None:
        super().__init__()
        self.registry.empty()
        self.known: dict[str, list[int]] = {}

    @rule(name=name)
    def create(self, name: str) -> None:
        if name not in self.known:
            self.registry.model(name)
            self.known[name] = []
        self.known[name].append(self.registry.bare_version(name))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), value=st.sampled_from(["x", "y"]))
    def tag(self, data, value: str) -> None:
        self.registry.tag(data.draw(st.sampled_from(sorted(self.known))), "team", value)

    @precondition(lambda self: any(self.known.values()))
    @rule(data=st.data(), stage=st.sampled_from(STAGES))
    def move(self, data, stage: str) -> None:
        self.registry.stage(*self._any_version(data), stage, archive=stage in ("Staging", "Production"))

    @precondition(lambda self: any(self.known.values()))
    @rule(data=st.data())
    def point_alias(self, data) -> None:
        model, version = self._any_version(data)
        self.registry.alias(model, "champion", version)

    @precondition(lambda self: any(self.known.values()))
    @rule(data=st.data())
    def delete_version(self, data) -> None:
        model, version = self._any_version(data)
        self.registry.delete_version(model, version)
        self.known[model].remove(version)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def delete_model(self, data) -> None:
        model = data.draw(st.sampled_from(sorted(self.known)))
        self.registry.delete_model(model)
        del self.known[model]

    @precondition(lambda self: 0 < len(self.known) < len(NAMES))
    @rule(data=st.data())
    def rename(self, data) -> None:
        model = data.draw(st.sampled_from(sorted(self.known)))
        new = data.draw(st.sampled_from([name for name in NAMES if name not in self.known]))
        self.registry.rename(model, new)
        self.known[new] = self.known.pop(model)

    @rule()
    def sync_changes(self) -> None:
        try:
            look(SyncKind.CHANGES)
        except runs.OtherKindNeeded:
            look(SyncKind.COMPLETE)

    @rule(name=name)
    def sync_one(self, name: str) -> None:
        look(SyncKind.MODELS, name)

    @rule()
    def sync_everything(self) -> None:
        look(SyncKind.COMPLETE)
        assert mirrored() == in_mlflow(self.registry)
        assert placed_now() == held_now()

    @rule(writes=st.integers(0, 2))
    def crash(self, writes: int) -> None:
        left = [writes]

        def hold() -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Crash

        try:
            with runs.opened(DEFAULT_CONNECTION, SyncKind.COMPLETE, "a test") as opened:
                opened.hold = hold
                complete.work(opened)
        except Crash:
            assert SyncRun.objects.latest("pk").state == "failed"

    def teardown(self) -> None:
        self.sync_everything()

    def _any_version(self, data) -> tuple[str, int]:
        pairs = [(model, version) for model, versions in sorted(self.known.items()) for version in versions]
        return data.draw(st.sampled_from(pairs))


@pytest.mark.mlflow
@pytest.mark.django_db
def test_the_mirror_agrees_with_mlflow_after_any_history(mlflow_registry):
    History.registry = mlflow_registry
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    assert chain.first_misfit(AuditEvent.objects.order_by("id")) is None
