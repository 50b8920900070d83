"""Experiments, and runs as far as they are read, made and deleted; runs.py is about writing to them.

Who reads every model reads every experiment, and who writes every model writes every one. Whoever holds less has the
experiments that they made, and reads runs that stand behind versions of models that they read.
"""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts import scopes
from apps.errors import InvalidInput, NotAllowed, NotVisible, RuleViolation
from apps.gateway import canonical, frozen, tracking
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.enforcement import guards
from apps.registry import holds
from apps.registry.models import DEFAULT_CONNECTION, ModelVersion
from apps.registry.queries import visible_model_ids

OURS = "assent."  # tags that Assent alone sets
MAKER = "mlflow.user"  # the tag of a run that says who made it


@guards("open", "page")
def anybody(call: Call, who: Caller) -> Answer | None:
    """What any client asks first, and says nothing about anything."""
    return None


@guards("experiment.read")
def read_experiment(call: Call, who: Caller) -> Answer | None:
    """An experiment by its number."""
    may_read_experiment(call.text("experiment_id"), who)
    return None


@guards("experiment.named")
def read_named(call: Call, who: Caller) -> Answer | None:
    """An experiment by its name: MLflow says which one that is."""
    if who.reads_all:
        return None
    name = call.text("experiment_name")
    with tracking.in_words(tracking.NO_NAMED, name):
        found = tracking.ask(call.route.path, {"experiment_name": name})
        may_read_experiment(str(found.get("experiment", {}).get("experiment_id", "")), who)
    return found


@guards("experiment.search")
def search_experiments(call: Call, who: Caller) -> Answer | None:
    """Experiments that one may see: MLflow itself leaves out the others, so that its pages stay whole."""
    if not who.reads_all:
        own = f"tags.`{tracking.OWNER}` = '{_quoted(who.user.get_username())}'"
        asked = call.text("filter", needed=False)
        call.params["filter"] = f"{own} AND {asked}" if asked else own
    return None


@guards("experiment.create")
def create_experiment(call: Call, who: Caller) -> Answer | None:
    """A new experiment, of whoever makes it. Its artifacts lie where MLflow puts them: elsewhere nobody guards them."""
    needs_writer(who)
    if call.params.get("artifact_location"):
        message = _("Assent keeps artifacts where MLflow puts them. Leave artifact_location out.")
        raise InvalidInput(message, field="artifact_location")
    tags = own_tags(call.params.get("tags", []))
    call.params["tags"] = [*tags, {"key": tracking.OWNER, "value": who.user.get_username()}]
    return None


@guards("experiment.write")
def write_experiment(call: Call, who: Caller) -> Answer | None:
    """Rename or restore an experiment."""
    may_write_experiment(call.text("experiment_id"), who)
    return None


@guards("experiment.tag")
def tag_experiment(call: Call, who: Caller) -> Answer | None:
    """Set or remove a tag of an experiment."""
    free_key(call.text("key"))
    may_write_experiment(call.text("experiment_id"), who)
    return None


@guards("experiment.delete")
def delete_experiment(call: Call, who: Caller) -> Answer | None:
    """Delete an experiment, unless a run in it stands behind a version that is bound or held."""
    experiment = call.text("experiment_id")
    may_write_experiment(experiment, who)
    rows = _versions_from(experiment)
    frozen.refuse(rows)
    for run_id in set(rows.values_list("run_id", flat=True)):
        holds.refuse_if_run_held(DEFAULT_CONNECTION, run_id)
    return None


def _versions_from(experiment: str) -> QuerySet[ModelVersion]:
    """Return the versions whose runs are in an experiment; of those whose details are not read yet, MLflow is asked."""
    rows = ModelVersion.objects.filter(model__connection=DEFAULT_CONNECTION)
    unread = rows.filter(deleted_at=None, run__experiment_id=None).exclude(run_id="").values_list("run_id", flat=True)
    there = {run_id for run_id in set(unread) if _experiment_of(run_id) == experiment}
    return rows.filter(Q(run__experiment_id=experiment) | Q(run_id__in=there))


def _experiment_of(run_id: str) -> str:
    try:
        return tracking.run(run_id).experiment
    except NotVisible:
        return ""


@guards("runs.search", "traces.search")
def search_in_experiments(call: Call, who: Caller) -> Answer | None:
    """Runs, logged models or traces of experiments: those that one may not see are left out of the question."""
    if who.reads_all:
        return None
    if call.route.guard == "traces.search":
        return _search_traces(call, who)
    field = "experiment_ids"
    allowed = [experiment for experiment in call.texts(field) if _reads_experiment(experiment, who)]
    if not allowed:
        return {}
    call.params[field] = allowed
    return None


@guards("run.create")
def create_run(call: Call, who: Caller) -> Answer | None:
    """A new run, made by whoever asks: what the client says of its maker is not believed."""
    may_write_experiment(call.text("experiment_id", needed=False) or "0", who)
    name = who.user.get_username()
    call.params["user_id"] = name
    tags = [tag for tag in own_tags(call.params.get("tags", [])) if tag.get("key") != MAKER]
    call.params["tags"] = [*tags, {"key": MAKER, "value": name}]
    return None


@guards("run.read")
def read_run(call: Call, who: Caller) -> Answer | None:
    """A run, its metrics or its files."""
    if path := call.text("path", needed=False).rstrip("/"):
        canonical.check_path(path)
    may_read_run(run_of(call), who)
    return None


@guards("runs.read")
def read_runs(call: Call, who: Caller) -> Answer | None:
    """Metrics of several runs."""
    for run_id in [*call.texts("run_ids"), *call.texts("run_id")]:
        may_read_run(run_id, who)
    return None


@guards("run.delete")
def delete_run(call: Call, who: Caller) -> Answer | None:
    """Delete a run, unless it stands behind a version that is bound or held."""
    run_id = run_of(call)
    may_write_run(run_id, who)
    frozen.refuse(frozen.of_run(run_id))
    holds.refuse_if_run_held(DEFAULT_CONNECTION, run_id)
    return None


def run_of(call: Call) -> str:
    """Return the run that a call is about; clients name it in two ways at once. Raises InvalidInput."""
    names = {call.text(field, needed=False) for field in ("run_id", "run_uuid")} - {""}
    if len(names) > 1:
        raise InvalidInput(_("run_id and run_uuid name two runs."), field="run_id")
    found = names.pop() if names else call.text("run_id")
    call.about = call.about or f"run {found}"
    return found


def may_read_run(run_id: str, who: Caller) -> None:
    """Raise NotVisible unless they may read a run."""
    if who.reads_all:
        return
    visible = ModelVersion.objects.filter(
        run_id=run_id, model__in=visible_model_ids(who.user), model__connection=DEFAULT_CONNECTION, deleted_at=None
    )
    if who.reads_some and run_id and visible.exists():
        return
    if not _reads_experiment(tracking.run(run_id).experiment, who):
        raise NotVisible(tracking.NO_RUN % {"id": run_id})


def may_write_run(run_id: str, who: Caller) -> None:
    """Raise NotVisible or NotAllowed unless they may write a run."""
    needs_writer(who)
    if not who.writes_all:
        may_read_run(run_id, who)
        needs_ownership(tracking.run(run_id).experiment, who)


def may_read_experiment(experiment: str, who: Caller) -> None:
    """Raise NotVisible unless they may read an experiment."""
    if not _reads_experiment(experiment, who):
        raise NotVisible(tracking.NO_EXPERIMENT % {"id": experiment})


def may_write_experiment(experiment: str, who: Caller) -> None:
    """Raise NotVisible or NotAllowed unless they may write an experiment."""
    needs_writer(who)
    if who.writes_all:
        return
    may_read_experiment(experiment, who)
    needs_ownership(experiment, who)


def needs_ownership(experiment: str, who: Caller) -> None:
    """Raise NotAllowed unless they made an experiment, of which they may know."""
    if tracking.owner_of(experiment) != who.user.get_username():
        message = _(
            "Writing to this experiment needs the data scientist's role on the whole registry, or to have made it."
        )
        raise NotAllowed(message)


def _reads_experiment(experiment: str, who: Caller) -> bool:
    if who.reads_all:
        return True
    try:
        return who.reads_some and tracking.owner_of(experiment) == who.user.get_username()
    except NotVisible:
        return False


def needs_writer(who: Caller) -> None:
    """Raise NotAllowed unless they may write any model, with a token that may: asked before anything is looked up."""
    who.needs(scopes.REGISTER)
    if not who.writes_some:
        raise NotAllowed(_("Writing needs the data scientist's role. Ask an admin for it."))


def own_tags(tags: Any) -> list[dict[str, Any]]:
    """Return tags as they came. Raises InvalidInput for what is none, and for Assent's own."""
    if not isinstance(tags, list) or not all(isinstance(tag, dict) for tag in tags):
        raise InvalidInput(_("“tags” must be a list of keys and values."), field="tags")
    for tag in tags:
        if str(tag.get("key", "")).startswith(OURS):
            free_key(str(tag["key"]))
    return tags


def free_key(key: str) -> None:
    """Raise RuleViolation for a tag that Assent alone sets."""
    if key.startswith(OURS) or key == MAKER:
        raise RuleViolation(_("The tag %(key)s is set by Assent alone.") % {"key": key}, field="key")


def _quoted(text: str) -> str:
    return text.replace("'", "")  # no user name has one


def _search_traces(call: Call, who: Caller) -> Answer | None:
    places = call.params.get("locations", [])
    named = [experiment_of(place) for place in places if isinstance(place, dict)] if isinstance(places, list) else []
    kept = [experiment for experiment in named if experiment and _reads_experiment(experiment, who)]
    if not kept:
        return {}
    call.params["locations"] = [
        {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}} for experiment in kept
    ]
    return None


def experiment_of(place: dict[str, Any]) -> str:
    """Return the experiment that a trace's location names; empty for none. Raises InvalidInput for two spellings."""
    named = canonical.one_spelling(place).get("mlflow_experiment")
    return str(canonical.one_spelling(named).get("experiment_id") or "") if isinstance(named, dict) else ""
