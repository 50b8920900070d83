"""Whatever people do, in whatever order: nothing is applied without the votes that its pinned policy demands.

Random people do random things through the services (deeds.py) while people, policies, MLflow and time change around
them (around.py), and go through stories of several deeds (stories.py); MLflow answers over HTTP. Each write that
reaches MLflow, and each request that is recorded as applied, is judged (watching.py) from what was done, by an oracle
that knows nothing of the engine (oracle.py).

The default run is the same every time. With NO_WAY_AROUND_EXAMPLES=500 in the environment it makes that many examples,
others each time; a failure shows the steps that led to it. test_ways_around.py leads the same machine by hand.
"""

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.approvals.stories import NoWayAround, make_everybody
from tests.approvals.watching import applied_by
from tests.builders import THEN
from tests.servers.one_model import one_model


def test_nothing_is_applied_without_the_votes_that_its_policy_demands(db, settings):
    make_everybody()
    applied_by.clear()
    with one_model("churn", THEN, settings) as NoWayAround.mlflow:
        run_state_machine_as_test(NoWayAround, settings=HOW_LONG)
    assert set(applied_by) == {"votes", "bypass", "rollback"}


ASKED_FOR = int(os.environ.get("NO_WAY_AROUND_EXAMPLES", "0"))
HOW_LONG = settings(
    max_examples=ASKED_FOR or 20,
    stateful_step_count=20,
    deadline=None,
    derandomize=not ASKED_FOR,
    database=None,
    print_blob=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
