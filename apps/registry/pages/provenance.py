"""Where a version comes from, by what its run, tags and files say: CI job, commit, number, data, environment. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.utils.translation import gettext as _

from apps.masking import masked
from apps.registry.models import ModelVersion

SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)  # semver.org
SEMVER_TAGS = ("semver", "semantic_version", "version", "gitlab_version", "model_version")
JOB_URLS = ("gitlab_ci_job_url", "ci_job_url", "ci_url", "ci_build_url", "build_url", "github_run_url", "job_url")
PIPELINE_URLS = ("gitlab_ci_pipeline_url", "ci_pipeline_url", "pipeline_url")
GITLAB, GITHUB = "GitLab", "GitHub"
SSH_REMOTE = re.compile(r"(?:ssh://)?git@([\w.-]+)[:/](.+?)(?:\.git)?/?")
SYSTEM_LIST = re.compile(r"(apt|deb|yum|rpm|brew|npm|package|packages|system|os|native|r|julia)", re.IGNORECASE)
NOT_SYSTEM = {"requirements.txt", "input_example.json", "serving_input_example.json", "serving_input_payload.json"}


@dataclass(frozen=True)
class Link:
    """Something outside Assent; `url` is empty where the tags do not tell it."""

    label: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class DataSet:
    """A data set that the run used, with what MLflow knows of it."""

    name: str
    digest: str
    context: str
    source_type: str
    source: str  # an address without credentials, or empty
    columns: int | None
    rows: int | None


def semantic_version(version: ModelVersion) -> str:
    """Return the version's own number, such as "2.1.0", from its tags or its run's; empty when none is valid."""
    for tags in (_plain_keys(version.tags), _plain_keys(version.run.get("tags"))):
        for name in SEMVER_TAGS:
            if SEMVER.fullmatch(tags.get(name, "")):
                return tags[name]
    return ""


def ci_links(version: ModelVersion) -> list[Link]:
    """Return what made the version, as the tags of GitLab, GitHub and others tell it."""
    tags = _plain_keys(version.run.get("tags")) | _plain_keys(version.tags)
    found = [*_gitlab(tags), *_github(tags)]
    for label, names in ((_("CI job"), JOB_URLS), (_("CI pipeline"), PIPELINE_URLS)):
        for name in names:
            url = web_address(tags.get(name, ""))
            if url and all(link.url != url for link in found):
                found.append(Link(label, urlsplit(url).netloc + urlsplit(url).path, url))
    return found


def commit_link(version: ModelVersion) -> Link | None:
    """Return the commit that was trained from, linked where the repository has pages; None when not recorded."""
    tags = version.run.get("tags") or {}
    commit = str(tags.get("mlflow.source.git.commit", ""))
    if not commit:
        return None
    repository = repository_address(str(tags.get("mlflow.source.git.repoURL", "")))
    if not repository or not re.fullmatch(r"[0-9a-fA-F]{7,64}", commit):
        return Link(_("Commit"), commit)
    inside = "/-/commit/" if "gitlab" in urlsplit(repository).netloc else "/commit/"
    return Link(_("Commit"), commit, f"{repository}{inside}{commit}")


def repository_address(remote: str) -> str:
    """Return the web address of a git remote ("git@host:a/b.git" too), empty when it has none."""
    if ssh := SSH_REMOTE.fullmatch(remote):
        return f"https://{ssh[1]}/{ssh[2]}"
    return web_address(remote).removesuffix(".git")


def web_address(text: str) -> str:
    """Return an http or https address without credentials; empty for anything else."""
    try:
        parts = urlsplit(text.strip())
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\"<>]", text.strip()):
        return ""
    return urlunsplit((parts.scheme, host + port, parts.path.rstrip("/"), parts.query, ""))


def datasets(version: ModelVersion) -> list[DataSet]:
    """Return the data sets of the run with their source, columns and rows where MLflow knows them."""
    facts = version.run.get("dataset_facts") or []
    found = []
    for place, row in enumerate(version.datasets):
        more = facts[place] if place < len(facts) and isinstance(facts[place], dict) else {}
        found.append(
            DataSet(
                row.get("name", ""), row.get("digest", ""), row.get("context", ""), row.get("source_type", ""),
                _source(str(more.get("source", ""))), _columns(str(more.get("schema", ""))),
                _number(_json(str(more.get("profile", ""))), "num_rows"),
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Environment:
    """What a version needs around it. Empty where nothing says it."""

    python: str
    mlflow: str
    databricks_runtime: str
    code_paths: str
    channels: list[str]
    conda: list[str]  # what conda itself installs
    build: list[str]  # what python_env.yaml installs first
    system: list[dict[str, Any]]  # files that list what is not Python: [{path, size}]


def environment(version: ModelVersion) -> Environment:
    """Read the environment out of MLmodel, conda.yaml, python_env.yaml and the list of files."""
    mlmodel, conda, env = (
        version.mlmodel,
        _mapping(version.environment, "conda"),
        _mapping(version.environment, "python_env"),
    )
    pyfunc = _mapping(_mapping(mlmodel, "flavors"), "python_function")
    return Environment(
        python=str(pyfunc.get("python_version") or env.get("python") or ""),
        mlflow=str(mlmodel.get("mlflow_version") or ""),
        databricks_runtime=str(mlmodel.get("databricks_runtime") or ""),
        code_paths=str(pyfunc.get("code") or ""),
        channels=_texts(conda.get("channels")),
        conda=[line for line in _texts(conda.get("dependencies")) if line != "pip"],
        build=_texts(env.get("build_dependencies")),
        system=[row for row in version.files or [] if _lists_system_packages(row["path"])],
    )


def input_example(version: ModelVersion) -> dict[str, str]:
    """Return the file and the type of the stored example of an input; empty without one."""
    info = _mapping(version.mlmodel, "saved_input_example_info")
    return {"path": str(info.get("artifact_path") or ""), "type": str(info.get("type") or "")} if info else {}


def _lists_system_packages(path: str) -> bool:
    stem, dot, kind = path.rpartition(".")
    words = set(re.split(r"[^A-Za-z]+", stem))
    return bool(dot) and kind in ("txt", "json") and path not in NOT_SYSTEM and "/" not in path and any(
        SYSTEM_LIST.fullmatch(word) for word in words
    )  # fmt: skip


def _gitlab(tags: dict[str, str]) -> list[Link]:
    project = web_address(tags.get("gitlab_ci_project_url", ""))
    found = []
    for label, kind in ((_("GitLab job"), "job"), (_("GitLab pipeline"), "pipeline")):
        number = tags.get(f"gitlab_ci_{kind}_id", "")
        if number:
            known = web_address(tags.get(f"gitlab_ci_{kind}_url", ""))
            built = f"{project}/-/{kind}s/{number}" if project and number.isdecimal() else ""
            found.append(Link(label, number, known or built))
    return found


def _github(tags: dict[str, str]) -> list[Link]:
    run = tags.get("github_run_id", "")
    if not run:
        return []
    server = web_address(tags.get("github_server_url", "https://github.com"))
    repository = tags.get("github_repository", "")
    page = f"{server}/{repository}" if re.fullmatch(r"[\w.-]+/[\w.-]+", repository) else ""
    page = page or repository_address(tags.get("mlflow_source_git_repourl", ""))
    return [Link(_("GitHub run"), run, f"{page}/actions/runs/{run}" if page and run.isdecimal() else "")]


def _plain_keys(tags: Any) -> dict[str, str]:
    """Return tags under one spelling of their keys: "gitlab.CI_JOB_ID" and "gitlab-ci-job-id" are one."""
    return {re.sub(r"[.\s-]", "_", str(key)).lower(): str(value) for key, value in (tags or {}).items()}


def _source(text: str) -> str:
    parsed = _json(text)
    for key in ("uri", "url", "path", "table_name", "name"):
        if isinstance(parsed.get(key), str):
            return masked(parsed[key])
    return ""


def _columns(text: str) -> int | None:
    columns = _json(text).get("mlflow_colspec")
    return len(columns) if isinstance(columns, list) else None


def _number(mapping: dict[str, Any], key: str) -> int | None:
    return mapping[key] if type(mapping.get(key)) is int else None


def _json(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _mapping(holder: Any, key: str) -> dict[str, Any]:
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def _texts(rows: Any) -> list[str]:
    return [masked(row) for row in rows if isinstance(row, str)] if isinstance(rows, list) else []
