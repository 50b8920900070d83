"""Registered models and their versions: who reads and writes them. What decisions govern is in governed.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts import grants, scopes
from apps.accounts.models import Grant, GrantScope
from apps.accounts.permissions import Permission
from apps.approvals.models import ApprovalPolicy, PolicyState
from apps.errors import InvalidInput, NotAllowed, NotVisible, RuleViolation
from apps.gateway import canonical, experiments, frozen, mirroring, searching, sources
from apps.gateway.callers import Caller
from apps.gateway.canonical import Answer, Call
from apps.gateway.enforcement import guards
from apps.registry import holds, stages
from apps.registry.models import DEFAULT_CONNECTION, Kind, ModelVersion, RegisteredModel
from apps.registry.remote import PROMPT_TAG


@guards("model.read")
def read_model(call: Call, who: Caller) -> Answer | None:
    """A model, a version of it, or one of its files."""
    name = call.text("name")
    call.about = f"{name} v{call.params['version']}" if "version" in call.params else name
    if path := call.text("path", needed=False):
        canonical.check_path(path)
    if not who.reads_all:
        call.model_id = visible_model(name, who).pk
    return None


@guards("model.search")
def search_models(call: Call, who: Caller) -> Answer | None:
    """Models that one may see."""
    return searching.models(call, who)


@guards("version.search")
def search_versions(call: Call, who: Caller) -> Answer | None:
    """Versions of models that one may see."""
    return searching.versions(call, who)


@guards("model.create")
def create_model(call: Call, who: Caller) -> Answer | None:
    """A new model: whoever may write any may make one, and holds the data scientist's role on what they made."""
    who.needs(scopes.REGISTER)
    name = call.text("name")
    call.about = name
    if who.user.bounds.models is not None:
        raise NotAllowed(_("This token is limited to some models. Use one without a limit to register a new model."))
    if not who.writes_some:
        raise NotAllowed(_("Registering a model needs the data scientist's role. Ask an admin for it."))
    _check_tags(call, prompt=True)
    call.then.append(partial(mirroring.created, name, who))
    return None


@guards("model.write")
def write_model(call: Call, who: Caller) -> Answer | None:
    """Describe a model."""
    writable_model(call, who)
    return None


@guards("model.tag")
def tag_model(call: Call, who: Caller) -> Answer | None:
    """Set or remove a tag of a model; one that decides which policy or which roles apply is for who manages those."""
    key = call.text("key")
    _check_key(key)
    if key in deciding_tags() and not grants.allows(who.user, Permission.POLICY_MANAGE):
        message = _(
            "The tag %(key)s decides which policy or which roles apply to this model. Somebody who manages policies "
            "can change it."
        )
        writable_model(call, who)
        raise RuleViolation(message % {"key": key}, field="key")
    writable_model(call, who)
    return None


@guards("model.rename")
def rename_model(call: Call, who: Caller) -> Answer | None:
    """Give a model another name, while none of its versions is bound."""
    model = writable_model(call, who, Permission.MODEL_DELETE)
    frozen.refuse(ModelVersion.objects.filter(model=model))
    holds.refuse_if_held(model)
    if copy := frozen.copied_from(model).first():
        message = _("%(copy)s was copied from this model and names it as where its files are, so the name stays.")
        raise RuleViolation(message % {"copy": copy})
    call.around = partial(_unbound, model)
    call.then = [partial(mirroring.renamed, model.name, call.text("new_name"), who)]
    return None


@guards("model.delete")
def delete_model(call: Call, who: Caller) -> Answer | None:
    """Delete a model with all its versions, while none of them is bound or held."""
    model = writable_model(call, who, Permission.MODEL_DELETE)
    call.around = partial(_unbound, model)
    call.then = [partial(mirroring.model_deleted, model.name, who)]
    return None


@guards("version.create")
def create_version(call: Call, who: Caller) -> Answer | None:
    """A new version, from files that one may read and that lie where they are said to."""
    model = writable_model(call, who)
    _check_tags(call, prompt=model.kind == Kind.PROMPT)
    run_id = call.text("run_id", needed=False)
    if run_id:
        experiments.may_read_run(run_id, who)
    sources.check(call.text("source"), run_id, call.text("model_id", needed=False), who)
    call.then = [partial(mirroring.registered, model.name, who)]
    return None


@guards("version.write")
def write_version(call: Call, who: Caller) -> Answer | None:
    """Describe a version."""
    writable_version(call, who)
    return None


@guards("version.tag")
def tag_version(call: Call, who: Caller) -> Answer | None:
    """Set or remove a tag of a version."""
    _check_key(call.text("key"))
    writable_version(call, who)
    return None


@guards("version.delete")
def delete_version(call: Call, who: Caller) -> Answer | None:
    """Delete a version that is neither bound nor held."""
    version = writable_version(call, who, Permission.MODEL_DELETE)
    call.around = partial(_unbound, version.model, version)
    call.then = [partial(mirroring.version_deleted, version.model.name, version.number, who)]
    return None


def visible_model(name: str, who: Caller) -> RegisteredModel:
    """Return a live model by MLflow's name for it. Raises NotVisible, in MLflow's words, for what may not be seen."""
    rows = RegisteredModel.objects.filter(connection=DEFAULT_CONNECTION, name=name, deleted_at=None)
    found = None if "\0" in name else grants.visible_to(who.user, rows).first()
    if found is None and who.reads_all and mirroring.read(name):
        found = rows.first()
    if found is None:
        raise NotVisible(_("Registered Model with name=%(name)s not found") % {"name": name})
    return found


def writable_model(call: Call, who: Caller, permission: Permission = Permission.MODEL_WRITE) -> RegisteredModel:
    """Return the model that a call is about, to be mirrored afterwards. Raises NotVisible and NotAllowed."""
    who.needs(scopes.REGISTER if permission == Permission.MODEL_WRITE else scopes.WRITE)
    call.about = call.text("name")
    model = visible_model(call.about, who)
    call.model_id = model.pk
    if not grants.allows(who.user, permission, model):
        message = _("This needs the permission “%(permission)s” on %(model)s. Ask an admin for a role that has it.")
        raise NotAllowed(message % {"permission": permission.label, "model": model.reference})
    call.then = [partial(mirroring.model_changed, model.name, who)]
    return model


def writable_version(call: Call, who: Caller, permission: Permission = Permission.MODEL_WRITE) -> ModelVersion:
    """Return the version that a call is about, to be mirrored afterwards. Raises NotVisible and NotAllowed."""
    model, number = writable_model(call, who, permission), call.number("version")
    call.about = f"{model.name} v{number}"
    version = visible_version(model, number, who)
    call.then = [partial(mirroring.version_changed, model.name, number, who)]
    return version


def visible_version(model: RegisteredModel, number: int, who: Caller) -> ModelVersion:
    """Return a live version. Raises NotVisible, in MLflow's words."""
    rows = model.versions.filter(number=number, deleted_at=None).select_related("model")
    found = rows.first() or (rows.first() if mirroring.read(model.name) else None)
    if found is None:
        message = _("Model Version (name=%(name)s, version=%(number)s) not found")
        raise NotVisible(message % {"name": model.name, "number": number})
    return found


def deciding_tags() -> frozenset[str]:
    """Return the keys of tags that decide which policy, risk tier, owner or grant applies to a model."""
    of_policies = ApprovalPolicy.objects.filter(~Q(tag_key=""), state=PolicyState.PUBLISHED)
    of_grants = Grant.objects.filter(scope=GrantScope.TAG, ended_at=None).values_list("value", flat=True)
    named = {*of_policies.values_list("tag_key", flat=True), *(value.partition("=")[0] for value in of_grants)}
    return frozenset({*named, *settings.INVENTORY_RISK_TAGS, *settings.INVENTORY_OWNER_TAGS})


@contextmanager
def _unbound(model: RegisteredModel, version: ModelVersion | None = None) -> Iterator[None]:
    """Keep a model locked while MLflow deletes or renames, so that no decision or hold comes in between."""
    with transaction.atomic():
        stages.lock_model(model.pk)
        frozen.refuse(ModelVersion.objects.filter(pk=version.pk) if version else model.versions.all())
        holds.refuse_if_held(model, version)
        yield


def _check_key(key: str) -> None:
    if key.startswith(experiments.OURS):
        raise RuleViolation(_("The tag %(key)s is set by Assent alone.") % {"key": key}, field="key")
    if key == PROMPT_TAG:
        message = _("A model stays a model: %(key)s would hide it from every list.")
        raise RuleViolation(message % {"key": key}, field="key")


def _check_tags(call: Call, *, prompt: bool) -> None:
    """Raise for tags of something new that are not the caller's to set. `prompt`: it may be one, from its beginning."""
    tags = call.params.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, dict) for tag in tags):
        raise InvalidInput(_("“tags” must be a list of keys and values."), field="tags")
    for tag in tags:
        if not (prompt and tag.get("key") == PROMPT_TAG and tag.get("value") == "true"):
            _check_key(str(tag.get("key", "")))
