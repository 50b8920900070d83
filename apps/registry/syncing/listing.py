"""Reading listings of MLflow: page by page, newest first, and the versions of many models at once. No database."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

from apps.registry.mlflow import IS_PROMPT, MAX_PAGES, MlflowClient, MlflowRefused, MlflowUnavailable, Page
from apps.registry.planning import Remote
from apps.registry.remote import RemoteModel, RemoteVersion

T = TypeVar("T", RemoteModel, RemoteVersion)
Heard = Callable[[], None]
FILTERS = ("", IS_PROMPT)  # MLflow hides prompts from a search without this filter
NEWEST_FIRST = "last_updated_timestamp DESC"
NEWEST_ROWS = 100
NAMES_PER_FILTER = 100
LONGEST_FILTER = 3200  # characters as sent; gunicorn takes request lines up to 4,094
UNQUOTABLE = ("'", '"', "\\")


@dataclass(frozen=True)
class Place:
    """Where a listing of all models stands: which of FILTERS, and the token of its next page (empty: its first)."""

    part: int = 0
    token: str = ""

    def __str__(self) -> str:
        return f"{self.part}:{self.token}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """Read what `str` wrote."""
        part, _, token = text.partition(":")
        return cls(int(part or 0), token)


@dataclass(frozen=True)
class ModelPage:
    """Some models, and the place after them; None: the listing is complete."""

    models: list[RemoteModel]
    after: Place | None


def model_pages(client: MlflowClient, start: Place | None = None) -> Iterator[ModelPage]:
    """List every model, then every prompt, by name. A part whose page MLflow refuses is begun again, once."""
    place = start or Place()
    for part in range(place.part, len(FILTERS)):
        first = place.token if part == place.part else ""
        for page in _pages(lambda token, part=part: client.search_models(FILTERS[part], token=token), first):  # type: ignore[misc]
            last = Place(part + 1) if part + 1 < len(FILTERS) else None
            yield ModelPage(page.rows, Place(part, page.token) if page.token else last)


def newest_models(client: MlflowClient, since: Callable[[], datetime]) -> Iterator[RemoteModel]:
    """List the models and prompts that changed after `since`, which is asked after the first answer."""
    for filter_text in FILTERS:

        def ask(token: str, filter_text: str = filter_text) -> Page[RemoteModel]:
            return client.search_models(filter_text, order=NEWEST_FIRST, rows=NEWEST_ROWS, token=token)

        yield from _newer(ask, since)


def newest_versions(client: MlflowClient, since: Callable[[], datetime]) -> Iterator[RemoteVersion]:
    """List the versions that changed after `since`, which is asked after the first answer."""
    return _newer(lambda token: client.search_versions(order=NEWEST_FIRST, rows=NEWEST_ROWS, token=token), since)


def add_versions(client: MlflowClient, remote: Remote, names: Iterable[str], heard: Heard = lambda: None) -> None:
    """Read all versions of these models into `remote`. `heard` is called after each answer.

    MLflow hides the versions of prompts: a name of a prompt counts as read, without versions.
    """
    names = list(names)
    for name in names:
        if (model := remote.models.get(name)) and model.is_prompt:
            remote.complete[name] = model.asked_at
    wanted = [name for name in names if name not in remote.complete]
    plain = [name for name in wanted if not any(sign in name for sign in UNQUOTABLE)]
    try:
        for chunk in _chunks(plain):
            _add(client, remote, chunk, _any_of(chunk), heard)
    except MlflowRefused:  # an older MLflow knows no IN here
        pass
    for name in wanted:
        if name not in remote.complete:
            _add(client, remote, [name], _exactly(name), heard)


def _add(client: MlflowClient, remote: Remote, names: list[str], filter_text: str, heard: Heard) -> None:
    wanted, asked_at = set(names), None
    for page in _pages(lambda token: client.search_versions(filter_text, token=token)):
        asked_at = asked_at or page.asked_at
        for version in page.rows:
            if version.name in wanted:
                remote.add_version(version)
        heard()
    if asked_at:
        remote.complete |= dict.fromkeys(names, asked_at)


def _any_of(names: list[str]) -> str:
    listed = ",".join(f"'{name}'" for name in names)
    return f"name IN ({listed})" if len(names) > 1 else _exactly(names[0])


def _exactly(name: str) -> str:
    """Return a filter for a name. One with both kinds of quotes fits none: any sign stands for a quote then."""
    mark = next((sign for sign in ("'", '"') if sign not in name), "")
    if mark:
        return f"name = {mark}{name}{mark}"
    return f"name LIKE '{name.replace(chr(39), '_')}'"


def _chunks(names: list[str]) -> Iterator[list[str]]:
    """Cut into lists whose filter fits into an address."""
    chunk: list[str] = []
    length = 0
    for name in names:
        own = len(quote(f"'{name}',", safe=""))
        if chunk and (length + own > LONGEST_FILTER or len(chunk) == NAMES_PER_FILTER):
            yield chunk
            chunk, length = [], 0
        chunk.append(name)
        length += own
    if chunk:
        yield chunk


def _newer(ask: Callable[[str], Page[T]], since: Callable[[], datetime]) -> Iterator[T]:
    for page in _pages(ask):
        for row in page.rows:
            if row.updated_at <= since():
                return
            yield row


def _pages(ask: Callable[[str], Page[T]], token: str = "") -> Iterator[Page[T]]:
    """Ask for page after page. Rows may come twice: pages shift while others write."""
    seen: set[str] = set()
    began_again = False
    for _ in range(MAX_PAGES):
        try:
            page = ask(token)
        except MlflowRefused as error:
            if not token:
                raise
            if began_again:
                raise MlflowUnavailable(f"MLflow does not go on with its own listing. {error}") from error
            token, began_again = "", True
            seen.clear()
            continue
        yield page
        if not page.token:
            return
        if page.token in seen:
            break
        token = page.token
        seen.add(token)
    raise MlflowUnavailable("MLflow's answer cannot be understood: its pages do not end.")
