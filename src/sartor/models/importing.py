"""Adapters that were trained elsewhere: taken in with suspicion, and from then on models like any other.

A file is written to disk while it arrives, bounded; what it is, its bytes tell. Nothing but safetensors is ever opened.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import structlog
from safetensors import safe_open
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from sartor.accounts.service import Caller
from sartor.errors import BodyTooLarge, TooManyRequests, Unprocessable, UnsupportedMediaType
from sartor.fibo.errors import InvalidAdapter
from sartor.kit.database import Database, now
from sartor.kit.fetch import Fetcher, FetchError, TooLarge
from sartor.kit.idempotency import at_once, claim, digest_of, led_to
from sartor.kit.storage import Storage, finding_room
from sartor.kit.threads import slowly
from sartor.models.base import ServedBase, base_read
from sartor.models.keys import imported_key, result_of, result_to
from sartor.models.leftovers import UNFINISHED_IMPORT, Leftovers
from sartor.models.schemas import ImportFields, UploadModelBody
from sartor.models.service import find_model
from sartor.models.tables import Model
from sartor.projects.schemas import ProjectBody
from sartor.projects.service import find_project, hold_project, new_project

log = structlog.get_logger(__name__)

_CHUNK = 1 << 20
# What PyTorch's own files begin with: a ZIP, or a bare pickle.
_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
# Of a header: the names of all layers take a hundredth of it, and a hundred MB of others would take a GB to read.
_LARGEST_HEADER = 8 << 20
_PROBLEMS = 5
# Of a file that is fetched: whoever asks waits for the whole of it.
_FETCH_LIMIT, _SILENCE = timedelta(minutes=10), timedelta(seconds=30)
# One of each organisation is fetched at a time, and of so many organisations: they are on disk together.
_FETCHED_AT_ONCE = 4
_RETRY_AFTER = 30.0  # seconds


@dataclass(frozen=True)
class Arrived:
    """A file that is on disk for now, and the hash of its bytes."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Facts:
    """What a file that fits says of itself: its rank, and the base that it was trained on where it says so.

    ``sha256`` is of the bytes to keep, which are not those that arrived where the names of another trainer were read.
    """

    rank: int
    base_sha256: str | None
    sha256: str


class Imports:
    """``folder`` holds files while they are checked."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        base: ServedBase,
        leftovers: Leftovers,
        fetcher: Fetcher,
        *,
        folder: Path,
    ) -> None:
        self._database = database
        self._storage = storage
        self._base = base
        self._leftovers = leftovers
        self._fetcher = fetcher
        self._folder = folder
        self._fetching: set[int] = set()  # organisations; changed on the event loop alone

    @property
    def largest_file(self) -> int:
        """Bytes that a file may have. Raises Unavailable where the base cannot be read."""
        with base_read():
            return self._base.largest_adapter

    def too_large(self, field: str = "file") -> str:
        """What is said of a larger one. Raises as above."""
        return f"{field}: no adapter of {self._base.name} has more than {self.largest_file:,} bytes."

    def take(self, caller: Caller, file: BinaryIO, fields: ImportFields, *, key: str | None = None) -> Model:
        """A new model whose adapter is ``file``, or the one that the same idempotency key led to.

        Raises NotFound for the project, BodyTooLarge for what is larger than any adapter of this base, and
        UnsupportedMediaType for what is no safetensors file; Unprocessable for one that does not fit the base, and
        for a key of another body.
        """
        if fields.project_id is not None:
            with self._database.transaction() as session:
                find_project(session, caller, fields.project_id)
        with self._arrived(file) as arrived:
            facts = self._check(arrived)
            return at_once(key, lambda: self._add(caller, arrived, facts, fields, key))

    async def fetch(self, caller: Caller, body: UploadModelBody, *, key: str | None = None) -> Model:
        """Like ``take``, of the file at an address, and in a new project where the body brings one: both are made, or
        neither. Raises Unprocessable for an address that gives no file, too, and TooManyRequests while the
        organisation, or several others, fetch one."""
        digest = digest_of("upload model", body.model_dump(mode="json"))
        earlier = await run_in_threadpool(self._earlier, caller, body, key, digest)
        if earlier is not None:
            return earlier
        limit, refusal = await run_in_threadpool(lambda: (self.largest_file, self.too_large("model_url")))
        path = self._folder / f"{UNFINISHED_IMPORT}{secrets.token_hex(8)}.safetensors"

        def take() -> Model:
            arrived = Arrived(path, _hash_of(path))
            facts = self._check(arrived, "model_url")
            fields = ImportFields(name=body.model_name, project_id=body.project_id)
            project = body.project_parameters if body.project_id is None else None
            return at_once(key, lambda: self._add(caller, arrived, facts, fields, key, digest, project))

        if caller.organisation_id in self._fetching or len(self._fetching) >= _FETCHED_AT_ONCE:
            raise TooManyRequests("Too many models are being fetched at this moment.", retry_after=_RETRY_AFTER)
        self._fetching.add(caller.organisation_id)
        try:
            with finding_room():
                await self._fetcher.download(
                    body.model_url, path, max_bytes=limit, limit=_FETCH_LIMIT, silence=_SILENCE
                )
            return await slowly(take)
        except TooLarge:
            raise BodyTooLarge(refusal) from None
        except FetchError as error:
            raise Unprocessable(f"model_url: {error}") from None
        finally:
            self._fetching.discard(caller.organisation_id)
            for left in (path, path.with_name(f"{path.name}.part")):
                left.unlink(missing_ok=True)

    def _earlier(self, caller: Caller, body: UploadModelBody, key: str | None, digest: str) -> Model | None:
        """The model that the key led to already. Raises NotFound for the project, and as ``led_to``."""
        self._leftovers.tidy()
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._database.transaction() as session:
            if key is not None and (found := led_to(session, str(caller.organisation_id), key, digest)) is not None:
                return find_model(session, caller.organisation_id, result_to(found))
            if body.project_id is not None:
                find_project(session, caller, body.project_id)
        return None

    def _add(
        self,
        caller: Caller,
        arrived: Arrived,
        facts: Facts,
        fields: ImportFields,
        key: str | None,
        digest: str = "",
        project: ProjectBody | None = None,
    ) -> Model:
        """``digest`` is of the request; where empty, of the fields and the file. ``project`` is made with the model."""
        place, named = imported_key(facts.sha256, secrets.token_hex(8)), False
        self._storage.put_stream(place, _chunks(arrived.path))  # first: bytes without a row harm nobody
        model = Model(
            organisation_id=caller.organisation_id,
            name=fields.name,
            description=fields.description or "",
            status="Completed",
            training_mode="expert",
            training_parameters={"rank": facts.rank, "imported": True},
            visual_schema=fields.visual_schema or {},
            project_id=fields.project_id,
            adapter=place,
            adapter_sha256=facts.sha256,
            base_sha256=facts.base_sha256,
            finished_at=now(),
        )
        try:
            with self._database.transaction() as session:
                digest = digest or digest_of("import", fields.model_dump(mode="json") | {"file": arrived.sha256})
                found = _insert(session, caller, model, key, digest, project)
                named = found is model  # before the commit: one that breaks off may have been done all the same
        finally:
            if not named:
                self._storage.delete(place)
        return found

    def _check(self, arrived: Arrived, field: str = "file") -> Facts:
        """Leaves the file with diffusers' names, whoever's it had. Raises as ``take``."""
        from sartor.fibo.adapter_names import METADATA, rename_tensors, translate
        from sartor.fibo.adapters import adapter_targets, read_adapter

        with arrived.path.open("rb") as file:
            beginning = file.read(8)
        if beginning.startswith(_PICKLES):
            raise UnsupportedMediaType(
                f"{field}: is a PyTorch file, which may hold code and is never opened; save it as safetensors."
            )
        if int.from_bytes(beginning, "little") > _LARGEST_HEADER:
            raise UnsupportedMediaType(f"{field}: is no safetensors file, or its header has more than 8 MB.")
        try:
            with safe_open(arrived.path, framework="pt") as tensors:
                names = tensors.keys()
                metadata = (tensors.metadata() or {}).get(METADATA) or "{}"
        except Exception:  # whatever a stranger's bytes may bring the reader to
            raise UnsupportedMediaType(f"{field}: is no safetensors file.") from None
        try:
            rank = read_adapter(arrived.path, self._base.blank).rank
        except InvalidAdapter as error:
            raise Unprocessable(f"{field}: does not fit {self._base.name}: {_problems(error)}") from None
        base_sha256 = _trained_on(metadata)
        if base_sha256 is not None and self._base.sha256 not in (None, base_sha256):
            raise Unprocessable(
                f"{field}: was trained on another checkpoint (SHA-256 {base_sha256[:16]}...) than {self._base.name}."
            )
        sha256, translation = arrived.sha256, translate(names, adapter_targets(self._base.blank))
        if translation.is_needed:
            with finding_room():
                rename_tensors(arrived.path, translation)
            sha256 = _hash_of(arrived.path)
            log.info("an adapter was renamed", dialect=translation.dialect, adapter=sha256)
        return Facts(rank, base_sha256, sha256)

    @contextmanager
    def _arrived(self, file: BinaryIO) -> Iterator[Arrived]:
        """A copy on disk while the block runs. Raises BodyTooLarge, and StorageAway where there is no room."""
        limit = self.largest_file
        self._leftovers.tidy()
        self._folder.mkdir(parents=True, exist_ok=True)
        with (
            finding_room(),
            tempfile.NamedTemporaryFile(dir=self._folder, prefix=UNFINISHED_IMPORT, suffix=".safetensors") as copy,
        ):
            digest, size = hashlib.sha256(), 0
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise BodyTooLarge(self.too_large())
                digest.update(chunk)
                copy.write(chunk)
            copy.flush()
            yield Arrived(Path(copy.name), digest.hexdigest())


def _insert(
    session: Session, caller: Caller, model: Model, key: str | None, digest: str, project: ProjectBody | None
) -> Model:
    """The model, in ``project`` where one is to be made, or the one that the key led to before. Raises NotFound where
    that or the model's own project is gone, and as ``claim``."""
    made = None
    if project is not None:
        made = new_project(caller, project)
        session.add(made)
        session.flush()
        model.project_id = made.id
    elif model.project_id is not None:
        hold_project(session, caller, model.project_id)
    session.add(model)
    session.flush()
    if key is None:
        return model
    own = result_of(model.id)
    claimed = claim(session, str(caller.organisation_id), key, digest, own)
    if claimed == own:
        return model
    session.delete(model)
    if made is not None:
        session.delete(made)
    session.flush()
    return find_model(session, caller.organisation_id, result_to(claimed))


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _problems(error: InvalidAdapter) -> str:
    shown = "; ".join(error.problems[:_PROBLEMS])
    more = len(error.problems) - _PROBLEMS
    return shown + (f"; and {more} more" if more > 0 else "")


def _trained_on(metadata: str) -> str | None:
    """The base's SHA-256 that Sartor's own trainer writes into a file's header."""
    try:
        values = json.loads(metadata)
    except (ValueError, RecursionError):
        return None
    found = values.get("sartor.base") if isinstance(values, dict) else None
    return found if isinstance(found, str) and len(found) == 64 else None
