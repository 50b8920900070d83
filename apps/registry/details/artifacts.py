"""The files of a version's model, listed by the shortest of MLflow's routes that knows them. No Django models."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from apps.registry import remote
from apps.registry.mlflow import MlflowClient, MlflowNotFound, MlflowRefused, RemoteFile

MAX_FILES = 500  # entries that are kept of one model
MAX_FOLDERS, MAX_DEPTH = 20, 4  # so many calls, and so many levels below the model's folder
MAX_PICTURES, MAX_PICTURE_FOLDERS = 20, 10
LOGGED_MODEL = re.compile(r"(?:^models:/|/models/)(m-[0-9a-f]{32})(?:/artifacts)?/?$")
OF_RUN = re.compile(r"\d+/([0-9a-f]{32})/artifacts(?:/(.+))?")
OF_LOGGED = re.compile(r"mlflow/logged-models/(m-[0-9a-f]{32})/artifacts/directories")
PICTURE = re.compile(r"(confusion|roc|precision_recall|pr_curve|lift|calibration|residual|importance|shap)", re.I)
PICTURE_TYPES = (".png", ".jpg", ".jpeg")  # no SVG: it can carry scripts


@dataclass(frozen=True)
class Folder:
    """Where MLflow lists a model's files: a route below /api/2.0/, its query, and how it names what is inside."""

    route: str
    query: tuple[tuple[str, str], ...]
    path_key: str
    root: str = ""  # what the route wants before every path
    answers_with_root: bool = False  # and puts before every path that it returns

    @property
    def holder(self) -> tuple[str, str] | None:
        """The run or logged model whose files these are, and the folder there ("": all); None for anything else."""
        if match := OF_LOGGED.fullmatch(self.route):
            return match[1], ""
        if self.answers_with_root:
            return dict(self.query)["run_id"], self.root
        match = OF_RUN.fullmatch(self.root)
        return (match[1], match[2] or "") if match else None

    def entries(self, client: MlflowClient, inside: str = "") -> list[RemoteFile]:
        """List one level, paths relative to the model's folder. Raises MlflowError."""
        path = "/".join(part for part in (self.root, inside) if part)
        query = dict(self.query) | ({self.path_key: path} if path else {})
        prefix = f"{self.root}/" if self.answers_with_root and self.root else ""
        before = f"{inside}/" if inside else ""
        return [_below(row, prefix, before) for row in client.list_files(self.route, query)]


def _below(row: RemoteFile, prefix: str, before: str) -> RemoteFile:
    """Name a row from the model's folder on: some routes answer with the whole path, some with the last part."""
    path = row.path.removeprefix(prefix)
    whole = path if path.startswith(before) else before + path
    return RemoteFile(remote.clean(whole), row.is_folder, row.size)


def folder_of(client: MlflowClient, name: str, number: int, source: str, run_id: str, run_root: str) -> Folder | None:
    """Find where MLflow lists the files of a version; None where it lists none. Raises MlflowError.

    `run_root` is the artifact location of the version's run, "" when not known.
    """
    found = _known(source, run_id, run_root)
    if found or not source.startswith(("models:/", "runs:/")):
        return found
    try:
        return _known(client.download_uri(name, number), run_id, run_root)
    except (MlflowNotFound, MlflowRefused):
        return None


def _known(source: str, run_id: str, run_root: str) -> Folder | None:
    if model := LOGGED_MODEL.search(source):
        return Folder(f"mlflow/logged-models/{model[1]}/artifacts/directories", (), "artifact_directory_path")
    if source.startswith("mlflow-artifacts:"):
        return Folder("mlflow-artifacts/artifacts", (), "path", root=unquote(urlsplit(source).path).strip("/"))
    inside = _inside_run(source, run_id, run_root)
    if inside is None:
        return None
    return Folder("mlflow/artifacts/list", (("run_id", run_id),), "path", root=inside, answers_with_root=True)


def _inside_run(source: str, run_id: str, run_root: str) -> str | None:
    """Return the path below the run's artifacts, where the source lies there."""
    for root in (f"runs:/{run_id}", run_root.rstrip("/")):
        if run_id and root and source.startswith(f"{root}/"):
            return source.removeprefix(f"{root}/").strip("/")
    return None


def listing(client: MlflowClient, folder: Folder) -> list[dict[str, Any]] | None:
    """Return [{path, size}] by path, folders looked into, at most MAX_FILES; a folder ends in "/", its size is None.

    None where MLflow refuses to list. Raises MlflowUnavailable.
    """
    try:
        rows = folder.entries(client)
        inside = [row for row in rows if row.is_folder]
        for looked_into in range(MAX_FOLDERS):
            if looked_into >= len(inside) or len(rows) >= MAX_FILES:
                break
            more = folder.entries(client, inside[looked_into].path)
            rows += more
            inside += [row for row in more if row.is_folder and row.path.count("/") < MAX_DEPTH]
    except (MlflowNotFound, MlflowRefused):
        return None
    found: list[dict[str, Any]] = [
        {"path": row.path + ("/" if row.is_folder else ""), "size": row.size} for row in rows
    ]
    return sorted(found, key=lambda row: row["path"])[:MAX_FILES]


def pictures(client: MlflowClient, run_id: str) -> list[dict[str, str]]:
    """Return [{path, title}] of the run's images whose names say what they show, in its folder and one level below.

    Raises MlflowUnavailable.
    """
    rows = _logged(client, run_id)
    for folder in [row for row in rows if row.is_folder][:MAX_PICTURE_FOLDERS]:
        rows += _logged(client, run_id, folder.path)
    names = [row.path for row in rows if not row.is_folder and row.path.lower().endswith(PICTURE_TYPES)]
    wanted = sorted((name for name in names if PICTURE.search(name.rsplit("/", 1)[-1])), key=_nearest_first)
    return [{"path": remote.clean(name), "title": _title(name)} for name in wanted[:MAX_PICTURES]]


def _logged(client: MlflowClient, run_id: str, path: str = "") -> list[RemoteFile]:
    try:
        return list(client.list_files("mlflow/artifacts/list", {"run_id": run_id} | ({"path": path} if path else {})))
    except (MlflowNotFound, MlflowRefused):
        return []


def _nearest_first(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _title(path: str) -> str:
    words = remote.clean(path).rsplit("/", 1)[-1].rsplit(".", 1)[0].replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]
