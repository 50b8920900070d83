"""The MLflow REST client: typed answers, own exceptions, no Django models. Never `import mlflow` (+154 MB).

Every call ends within `timeout` seconds and `MAX_BODY` bytes, whatever the peer does; no redirect is followed.
"""

import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Generic, NoReturn, Self, TypeVar

import httpcore
import httpx

from apps.registry import remote
from apps.registry.remote import PROMPT_TAG, RemoteFile, RemoteModel, RemoteRun, RemoteVersion
from apps.registry.transport import BoundedTransport, tls_context, within

__all__ = [
    "MlflowClient",
    "MlflowError",
    "MlflowFailed",
    "MlflowFileUnreadable",
    "MlflowNotFound",
    "MlflowRefused",
    "MlflowUnavailable",
    "Page",
    "RemoteFile",
    "RemoteModel",
    "RemoteRun",
    "RemoteVersion",
]

T = TypeVar("T")
API = "/api/2.0/mlflow/"
PAGE_ROWS = 1000  # the most that MLflow allows for models; bigger pages of versions block its worker for seconds
MAX_PAGES = 5000
MAX_BODY = 64 * 1024 * 1024
MAX_ARTIFACT = 1024 * 1024
MAX_LISTING = 4 * 1024 * 1024
MAX_VERSION = 1024  # the answer is a word
IS_PROMPT = f"tags.`{PROMPT_TAG}` = 'true'"


class MlflowError(Exception):
    """MLflow did not do what was asked. The text is a plain sentence for people."""


class MlflowUnavailable(MlflowError):
    """No answer, a late one, or one that is not MLflow's: trying again later may help."""


class MlflowFailed(MlflowUnavailable):
    """MLflow answered with an error of its own (5xx)."""


class MlflowFileUnreadable(MlflowUnavailable):
    """MLflow runs but cannot read a version's files: its artifact store is unreachable, or the source is wrong."""


class MlflowGarbled(MlflowUnavailable):
    """An answer that cannot be understood: it may be one object's fault."""


class MlflowNotFound(MlflowError):
    """MLflow says that there is no such object."""


class MlflowRefused(MlflowError):
    """MLflow understood and refuses: wrong credentials or an invalid value."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a listing. `token` leads to the next one; empty: this was the last. `asked_at` is our clock."""

    rows: list[T]
    token: str
    asked_at: datetime


class MlflowClient:
    """Calls one MLflow server. Use it in a `with`, so that its connections are closed; threads may share it.

    `timeout` bounds each whole call, in seconds. `auth` is a token (sent as Bearer) or a (name, password) pair.
    `ca_certificates` (PEM) are trusted besides the system's. `calls` counts what was sent.
    `date` is MLflow's clock, to the second, as its last answer told it. `pause` spaces calls out, in seconds.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 10.0,
        auth: str | tuple[str, str] | None = None,
        verify_tls: bool = True,
        ca_certificates: str = "",
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self.calls = 0
        self.date: datetime | None = None
        self.pause = 0.0
        self._last_call = 0.0
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "assent"}
        if isinstance(auth, str):
            headers["Authorization"] = f"Bearer {auth}"
        self._http = httpx.Client(
            transport=BoundedTransport(tls_context(verify_tls, ca_certificates)),
            headers=headers,
            auth=auth if isinstance(auth, tuple) else None,
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def search_models(
        self, filter_text: str = "", *, order: str = "name ASC", rows: int = PAGE_ROWS, token: str = ""
    ) -> Page[RemoteModel]:
        """One page of registered models; prompts only where the filter asks for them (IS_PROMPT)."""
        query = _search(filter_text, order, rows, token)
        return self._page("registered-models/search", "registered_models", remote.parse_model, query)

    def search_versions(
        self,
        filter_text: str = "",
        *,
        order: str = "name ASC,version_number ASC",
        rows: int = PAGE_ROWS,
        token: str = "",
    ) -> Page[RemoteVersion]:
        """One page of model versions; not those of prompts."""
        query = _search(filter_text, order, rows, token)
        return self._page("model-versions/search", "model_versions", remote.parse_version, query)

    def get_model(self, name: str) -> RemoteModel:
        """One registered model or prompt."""
        asked_at = remote.now()
        answer = self._get("registered-models/get", name=name)
        return self._parsed(lambda raw: remote.parse_model(raw, asked_at), answer.get("registered_model"))

    def get_version(self, name: str, number: int) -> RemoteVersion:
        """One version, whatever its model's kind."""
        asked_at = remote.now()
        answer = self._get("model-versions/get", name=name, version=str(number))
        return self._parsed(lambda raw: remote.parse_version(raw, asked_at), answer.get("model_version"))

    def get_run(self, run_id: str) -> RemoteRun:
        """One run, also a deleted one that MLflow still keeps."""
        return self._parsed(remote.parse_run, self._get("runs/get", run_id=run_id).get("run"))

    def experiment_name(self, experiment_id: str) -> str:
        """The name of an experiment."""
        experiment = self._get("experiments/get", experiment_id=experiment_id).get("experiment")
        return self._parsed(lambda raw: str(raw["name"]), experiment)

    def get_artifact(self, name: str, number: int, path: str) -> bytes:
        """One small file of a version's model. Raises MlflowNotFound when the model has no such file."""
        query = {"name": name, "version": str(number), "path": path}
        status, _, body = self._send("GET", "/model-versions/get-artifact", params=query, limit=MAX_ARTIFACT)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise MlflowFileUnreadable(f"MLflow cannot read the files of this version (error {status}).")
        if status != httpx.codes.OK:
            self._raise(status, body)
        return body

    def get_run_artifact(self, run_id: str, path: str, *, limit: int = MAX_ARTIFACT) -> bytes:
        """One file that a run logged, at most `limit` bytes. Raises MlflowNotFound when there is no such file."""
        query = {"run_id": run_id, "path": path}
        status, _, body = self._send("GET", "/get-artifact", params=query, limit=limit)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise MlflowFileUnreadable(f"MLflow cannot read the files of this run (error {status}).")
        if status != httpx.codes.OK:
            self._raise(status, body)
        return body

    def search_runs(self, run_ids: list[str], experiment_ids: list[str]) -> list[RemoteRun]:
        """Those of these runs (at most 100) that MLflow keeps in these experiments, deleted ones too."""
        quoted = ", ".join("'" + run_id.replace("'", "") + "'" for run_id in run_ids)
        body = {
            "experiment_ids": experiment_ids,
            "filter": f"attributes.run_id IN ({quoted})",
            "run_view_type": "ALL",
            "max_results": len(run_ids),
        }
        answer = self._post("runs/search", body)
        return [self._parsed(remote.parse_run, row) for row in self._rows(answer, "runs")]

    def experiments(self) -> dict[str, str]:
        """The names of all experiments by their id, deleted ones too."""
        found: dict[str, str] = {}
        body: dict[str, Any] = {"max_results": PAGE_ROWS, "view_type": "ALL"}
        for _ in range(MAX_PAGES):
            answer = self._post("experiments/search", body)
            for row in self._rows(answer, "experiments"):
                found |= self._parsed(lambda raw: {str(raw["experiment_id"]): str(raw["name"])}, row)
            if not (token := answer.get("next_page_token")) or token == body.get("page_token"):
                return found
            body["page_token"] = token
        return self._garbled("its pages do not end")

    def download_uri(self, name: str, number: int) -> str:
        """Where a version's files lie, with `models:/` resolved."""
        return str(self._get("model-versions/get-download-uri", name=name, version=str(number)).get("artifact_uri", ""))

    def list_files(self, route: str, query: dict[str, str]) -> list[RemoteFile]:
        """What lies in a folder, by one of MLflow's routes below /api/2.0/ that list. Nothing there: an empty list."""
        status, _, body = self._send("GET", f"/api/2.0/{route}", params=query, limit=MAX_LISTING)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise MlflowFileUnreadable(f"MLflow cannot list the files of this version (error {status}).")
        return [self._parsed(remote.parse_file, row) for row in self._rows(self._json(status, body), "files")]

    def transition_stage(self, name: str, number: int, stage: str, *, archive_existing: bool) -> RemoteVersion:
        """Move a version to a stage. MLflow answers 500 to archiving from None or Archived: ask for that never."""
        body = {"name": name, "version": str(number), "stage": stage, "archive_existing_versions": archive_existing}
        asked_at = remote.now()
        status, _, answer = self._send("POST", f"{API}model-versions/transition-stage", json=body)
        found = self._json(status, answer).get("model_version")
        return self._parsed(lambda raw: remote.parse_version(raw, asked_at), found)

    def set_alias(self, name: str, alias: str, number: int) -> None:
        """Point an alias at a version, from wherever it pointed."""
        body = {"name": name, "alias": alias, "version": str(number)}
        status, _, answer = self._send("POST", f"{API}registered-models/alias", json=body)
        self._json(status, answer)

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias; one that is not there is no error. MLflow reads these parameters from the body alone."""
        body = {"name": name, "alias": alias}
        status, _, answer = self._send("DELETE", f"{API}registered-models/alias", json=body)
        self._json(status, answer)

    def describe_version(self, name: str, number: int, description: str) -> None:
        """Replace the description of a version, at most 5,000 characters."""
        body = {"name": name, "version": str(number), "description": description}
        status, _, answer = self._send("PATCH", f"{API}model-versions/update", json=body)
        self._json(status, answer)

    def tag_version(self, name: str, number: int, key: str, value: str) -> None:
        """Set a tag of a version."""
        body = {"name": name, "version": str(number), "key": key, "value": value}
        status, _, answer = self._send("POST", f"{API}model-versions/set-tag", json=body)
        self._json(status, answer)

    def version(self) -> str:
        """MLflow's own version, such as "3.17.2"; it tells it also to those whom it refuses everything else."""
        status, _, body = self._send("GET", "/version", limit=MAX_VERSION)
        if status != httpx.codes.OK:
            self._raise(status, body)
        return body.decode("ascii", "replace").strip()

    def ask(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        """Call an endpoint of the REST API that has no function here; `params` or `json` as httpx takes them."""
        status, _, body = self._send(method, API + path, **sent)
        return self._json(status, body)

    def _page(self, path: str, key: str, parse: Callable[[Any, datetime], T], query: dict[str, Any]) -> Page[T]:
        asked_at = remote.now()
        answer = self._get(path, **query)
        token = answer.get("next_page_token", "")
        if not isinstance(token, str):
            self._garbled("a page's token is not text")
        rows = [self._parsed(lambda raw: parse(raw, asked_at), row) for row in self._rows(answer, key)]
        return Page(rows, token, asked_at)

    def _get(self, path: str, **query: Any) -> dict[str, Any]:
        status, _, body = self._send("GET", API + path, params=query)
        return self._json(status, body)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask a question that MLflow takes as a POST."""
        status, _, answer = self._send("POST", API + path, json=body)
        return self._json(status, answer)

    def _rows(self, answer: dict[str, Any], key: str) -> list[Any]:
        rows = answer.get(key, [])
        return rows if isinstance(rows, list) else self._garbled("a list is missing")

    def _send(
        self, method: str, path: str, *, limit: int = MAX_BODY, **options: Any
    ) -> tuple[int, httpx.Headers, bytes]:
        """Send and read the whole answer within the time and size allowed."""
        self._keep_pace()
        self.calls += 1
        try:
            with within(self.timeout), self._http.stream(method, self.base_url + path, **options) as answer:
                body = bytearray()
                for chunk in answer.iter_raw():
                    body += chunk
                    if len(body) > limit:
                        raise MlflowUnavailable(f"MLflow's answer is larger than {limit // 1024} KB.")
                self.date = _date(answer.headers.get("Date", "")) or self.date
                return answer.status_code, answer.headers, bytes(body)
        except (httpcore.TimeoutException, httpx.TimeoutException) as error:
            raise MlflowUnavailable(f"MLflow did not answer within {self.timeout:g} seconds.") from error
        except (httpcore.ConnectError, httpx.ConnectError) as error:
            raise MlflowUnavailable(_unreached(error)) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpcore.UnsupportedProtocol) as error:
            raise MlflowUnavailable("The address of MLflow is not a usable http or https address.") from error
        except (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise MlflowUnavailable("MLflow broke off in the middle of its answer.") from error

    def _keep_pace(self) -> None:
        """Wait until `pause` seconds have passed since the last call."""
        if self.pause:
            time.sleep(max(0.0, self._last_call + self.pause - time.monotonic()))
            self._last_call = time.monotonic()

    def _json(self, status: int, body: bytes) -> dict[str, Any]:
        if status != httpx.codes.OK:
            self._raise(status, body)
        answer = _loads(body)
        if answer is None:
            self._garbled("it is not a JSON object")
        return answer

    def _raise(self, status: int, body: bytes) -> NoReturn:
        """Raise what an answer other than 200 means. Only MLflow's own word counts as "not found"."""
        answer = _loads(body) or {}
        code = answer.get("error_code")
        said = _first_line(answer.get("message") or "")
        if status == httpx.codes.NOT_FOUND and code == "RESOURCE_DOES_NOT_EXIST":
            raise MlflowNotFound(said or "MLflow has no such object.")
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise MlflowRefused(
                f"MLflow refused access ({status}). Check Assent's credentials and MLflow's list of allowed hosts."
            )
        if 400 <= status < 500 and code and status != httpx.codes.TOO_MANY_REQUESTS:
            raise MlflowRefused(f"MLflow refused ({code}): {said}")
        if 300 <= status < 400:
            raise MlflowUnavailable(f"MLflow's address answers with a redirect ({status}), which is not followed.")
        failed = MlflowFailed if status >= httpx.codes.INTERNAL_SERVER_ERROR else MlflowUnavailable
        raise failed(f"MLflow answered with error {status}.")

    def _parsed(self, parse: Callable[[Any], T], raw: Any) -> T:
        try:
            return parse(raw)
        except (ValueError, TypeError, KeyError) as error:
            self._garbled(str(error))

    def _garbled(self, what: str) -> NoReturn:
        raise MlflowGarbled(f"MLflow's answer cannot be understood: {what[:200]}.")


def _search(filter_text: str, order: str, rows: int, token: str) -> dict[str, Any]:
    optional = {"filter": filter_text, "page_token": token}
    return {"max_results": str(rows), "order_by": order.split(",")} | {key: v for key, v in optional.items() if v}


def _date(header: str) -> datetime | None:
    try:
        said = parsedate_to_datetime(header)
    except ValueError:
        return None
    return said if said.tzinfo else None


def _unreached(error: Exception) -> str:
    """Say why no connection came about: TLS trouble is named, for it has another remedy than a server that is down."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"MLflow's certificate is not trusted: {cause.verify_message}. "
            "Add the certificate of its authority to the connection."
        )
    if isinstance(cause, ssl.SSLError):
        return "MLflow's address answers, but not with TLS. If the server really has none, begin the address with http."
    return "MLflow cannot be reached: the connection was refused or failed."


def _loads(body: bytes) -> dict[str, Any] | None:
    """Read a JSON object; None for anything else."""
    suspicious = b"\\u0000" in body or b"\\ud" in body.lower()
    try:
        answer = json.loads(body, parse_constant=str)
        answer = remote.clean(answer) if suspicious else answer
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _first_line(message: Any) -> str:
    """Keep the part of an error that is for people: MLflow on PostgreSQL appends SQL."""
    return next(iter(str(message).strip().splitlines()), "").split("[SQL")[0].strip()[:300]
