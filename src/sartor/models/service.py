"""Which models there are, and which of them a caller may draw with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from sartor.accounts.service import Caller
from sartor.accounts.tables import Organisation
from sartor.errors import Forbidden, ModelNotReady, NotFound
from sartor.kit.database import Database, lock_rows
from sartor.kit.paging import page_of
from sartor.models.adapters import AdapterFiles
from sartor.models.base import ServedBase
from sartor.models.brands import Brand, find_brands
from sartor.models.schemas import LARGEST_ID
from sartor.models.tables import DELETED, IN_TRAINING, Model
from sartor.projects.service import InTraining, find_project
from sartor.vgl import InvalidStructuredPrompt, VisualSchema, parse_visual_schema

_BRAND = "brand:"
# Among those that an organisation sees: its own, newest first, before the bundled ones, oldest first.
_PLACE = sa.case((Model.organisation_id.is_(None), Model.id), else_=-Model.id)


@dataclass(frozen=True)
class Look:
    """What drawing with a model needs of it: the schema for the words, the adapter for the pixels; and ``reference``,
    what clients call it by: unlike its name it never changes."""

    reference: str
    visual_schema: VisualSchema
    fetch: Callable[[], Path | None]

    @property
    def adapter(self) -> Path | None:
        """The adapter's file, None where the base draws. The first call may download it: not to be made while a
        transaction is open. Raises ModelNotReady where it is gone."""
        return self.fetch()


class Models:
    """``adapters`` are the files of trained models; without them only brands can be drawn with. ``base`` is what is
    drawn on: an adapter that is known to be made for another one is not drawn with."""

    def __init__(
        self,
        database: Database,
        *,
        brand_folders: Sequence[Path],
        bundled: bool = True,
        adapters: AdapterFiles | None = None,
        base: ServedBase | None = None,
    ) -> None:
        self._database = database
        self._base = base
        self._adapters = adapters
        self._brand_folders = tuple(brand_folders)
        self._bundled = bundled
        self._brands: dict[str, Brand] = {}

    def seed(self) -> None:
        """Brings the rows of the bundled brands up to what the folders hold. Run at every start."""
        self._brands = {brand.slug: brand for brand in find_brands(self._brand_folders, bundled=self._bundled)}
        try:
            self._write_rows()
        except IntegrityError:  # another process that starts now was first; its rows are there to be brought up to date
            self._write_rows()

    def _write_rows(self) -> None:
        with self._database.transaction() as session:
            for brand in self._brands.values():
                row = session.scalar(sa.select(Model).where(Model.slug == brand.slug))
                if row is None:
                    row = Model(slug=brand.slug)
                    session.add(row)
                row.name, row.description = brand.name, brand.description
                row.status, row.training_version = "Completed", "fibo"
                row.training_parameters = brand.training_parameters
                row.visual_schema = brand.schema_values
                row.adapter = _BRAND + brand.slug
            gone = sa.select(Model).where(Model.adapter.startswith(_BRAND), Model.slug.not_in(self._brands))
            for row in session.scalars(gone):  # kept for the requests that name it, but no longer drawn with
                row.status = "Failed"

    def of_project(self, caller: Caller, project_id: int) -> list[Model]:
        """The project's models, newest first. Raises NotFound for the project."""
        query = sa.select(Model).where(_visible(caller.organisation_id), Model.project_id == project_id)
        with self._database.transaction() as session:
            find_project(session, caller, project_id)
            return list(session.scalars(query.order_by(Model.id.desc())))

    def visible(self, organisation_id: int) -> list[Model]:
        """The organisation's own models, newest first, then the bundled ones that are whole, oldest first."""
        query = sa.select(Model).where(_visible(organisation_id)).order_by(_PLACE)
        with self._database.transaction() as session:
            return list(session.scalars(query))

    def page(self, organisation_id: int, *, limit: int, after: int | None = None) -> tuple[list[Model], int | None]:
        """A page of them, as `page_of` has it."""
        query = sa.select(Model).where(_visible(organisation_id))
        with self._database.transaction() as session:
            return page_of(session, query, _PLACE, limit=limit, after=after)

    def get(self, organisation_id: int, model_id: int) -> Model:
        """Raises NotFound for an unknown one and for another organisation's alike."""
        with self._database.transaction() as session:
            return find_model(session, organisation_id, model_id)

    def usable(self, session: Session, organisation_id: int, reference: str) -> Model:
        """The model that a generation names by its id, or a bundled one's slug. On PostgreSQL nobody changes or deletes
        it until the transaction ends; on SQLite, where the transaction has written already.

        Raises Forbidden for an unknown one and for another organisation's alike, so that nothing leaks, and
        ModelNotReady for one that cannot draw yet, or with this engine.
        """
        named = Model.slug == reference
        if reference.isascii() and reference.isdigit() and len(reference) <= 10 and int(reference) <= LARGEST_ID:
            named = Model.id == int(reference)
        query = sa.select(Model).where(named, _visible(organisation_id))
        found = session.scalar(query.with_for_update(read=True))
        if found is None:
            raise Forbidden("tailored_model_id: no model of this organisation has this id.")
        if found.training_version != "fibo":
            raise ModelNotReady("tailored_model_id: only models with training_version 'fibo' can be used here.")
        if found.status != "Completed":
            raise ModelNotReady(f"tailored_model_id: the model's status is {found.status}, not Completed.")
        return found

    def began(self) -> datetime | None:
        """Since when anybody here may have something: from the first start, whose bundled brands outlive organisations.
        None while there is no organisation."""
        oldest = [sa.select(sa.func.min(table.created_at)) for table in (Organisation, Model)]
        with self._database.transaction() as session:
            organisation, model = (session.scalar(query) for query in oldest)
        return organisation and min(organisation, model or organisation)

    def look(self, session: Session, model_id: int) -> Look:
        """What the model with this id, which a request has already been allowed to use, draws with."""
        row = session.get_one(Model, model_id)
        if row.status == DELETED:
            raise ModelNotReady("tailored_model_id: the model was deleted.")
        try:
            schema = parse_visual_schema(row.visual_schema)
        except InvalidStructuredPrompt as error:  # kept before there were these bounds
            raise ModelNotReady(f"tailored_model_id: the model's visual schema cannot be used: {error}") from None
        return Look(row.slug or str(row.id), schema, self._fetcher(row))

    def brand(self, row: Model) -> Brand | None:
        """The folder that a bundled model lives in; None for any other, and where it is no longer installed."""
        return self._brands.get((row.adapter or "").removeprefix(_BRAND)) if row.slug is not None else None

    def _fetcher(self, row: Model) -> Callable[[], Path | None]:
        key, sha256, adapters, made_for = row.adapter, row.adapter_sha256, self._adapters, row.base_sha256
        if key is None:
            return lambda: None
        if key.startswith(_BRAND):
            brand = self.brand(row)
            if brand is None:
                raise ModelNotReady("tailored_model_id: the model's files are no longer installed.")
            return lambda: brand.adapter
        if adapters is None or sha256 is None:
            raise ModelNotReady("tailored_model_id: the model's adapter is not known here.")

        def fetch() -> Path:
            if made_for and self._base and self._base.sha256 not in (None, made_for):
                raise ModelNotReady("tailored_model_id: the model was trained for another checkpoint.")
            try:
                return adapters.get(key, sha256)
            except (KeyError, ValueError):
                raise ModelNotReady("tailored_model_id: the model's adapter is no longer there.") from None

        return fetch


def find_model(session: Session, organisation_id: int, model_id: int) -> Model:
    """Raises NotFound for an unknown one and for another organisation's alike."""
    found = session.scalar(sa.select(Model).where(Model.id == model_id, _visible(organisation_id)))
    if found is None:
        raise NotFound("There is no such model.")
    return found


def own_model(session: Session, caller: Caller, model_id: int) -> Model:
    """A model that the caller may change. Raises NotFound, and Forbidden for a bundled one."""
    model = find_model(session, caller.organisation_id, model_id)
    if model.organisation_id is None:
        raise Forbidden("Bundled models cannot be changed.")
    return model


def hold_model(session: Session, caller: Caller, model_id: int) -> Model:
    """Such a model, which nobody else changes or deletes until the transaction ends. Raises as above."""
    lock_rows(session, Model.updated_at, Model.id == model_id, Model.organisation_id == caller.organisation_id)
    model = own_model(session, caller, model_id)
    session.refresh(model)
    return model


def in_training(column: InstrumentedAttribute[int | None]) -> InTraining:
    """Whether a model that names the id in ``column`` is in training: what rooms below the models' ask."""

    def ask(session: Session, identifier: int) -> bool:
        busy = sa.exists().where(column == identifier, Model.status.in_(IN_TRAINING))
        return bool(session.scalar(sa.select(busy)))

    return ask


def _visible(organisation_id: int) -> sa.ColumnElement[bool]:
    whole = sa.and_(Model.organisation_id.is_(None), Model.status == "Completed")
    own = sa.and_(Model.organisation_id == organisation_id, Model.status != DELETED)
    return sa.or_(own, whole)
