"""Which models there are, and which of them a caller may draw with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sartor.errors import Forbidden, ModelNotReady, NotFound
from sartor.kit.database import Database
from sartor.models.brands import Brand, find_brands
from sartor.models.tables import Model
from sartor.vgl import VisualSchema, parse_visual_schema

_BRAND = "brand:"
# The largest id that the column holds; a larger number in an address is no id, and must not reach the database.
LARGEST_ID = 2**31 - 1


@dataclass(frozen=True)
class Look:
    """What drawing with a model needs of it: the schema for the words, the adapter for the pixels."""

    name: str
    visual_schema: VisualSchema
    adapter: Path | None


class Models:
    def __init__(self, database: Database, *, brand_folders: Sequence[Path], bundled: bool = True) -> None:
        self._database = database
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

    def visible(self, organisation_id: int) -> list[Model]:
        """The organisation's own models, newest first, then the bundled ones that are whole, oldest first."""
        bundled = Model.organisation_id.is_(None)
        order = sa.case((bundled, Model.id), else_=-Model.id)
        query = sa.select(Model).where(_visible(organisation_id)).order_by(bundled, order)
        with self._database.transaction() as session:
            return list(session.scalars(query))

    def get(self, organisation_id: int, model_id: int) -> Model:
        """Raises NotFound for an unknown one and for another organisation's alike."""
        with self._database.transaction() as session:
            found = session.scalar(sa.select(Model).where(Model.id == model_id, _visible(organisation_id)))
        if found is None:
            raise NotFound("There is no such model.")
        return found

    def usable(self, session: Session, organisation_id: int, reference: str) -> Model:
        """The model that a generation names by its id, or a bundled one's slug.

        Raises Forbidden for an unknown one and for another organisation's alike, so that nothing leaks, and
        ModelNotReady for one that cannot draw yet, or with this engine.
        """
        named = Model.slug == reference
        if reference.isascii() and reference.isdigit() and len(reference) <= 10 and int(reference) <= LARGEST_ID:
            named = Model.id == int(reference)
        found = session.scalar(sa.select(Model).where(named, _visible(organisation_id)))
        if found is None:
            raise Forbidden("tailored_model_id: no model of this organisation has this id.")
        if found.training_version != "fibo":
            raise ModelNotReady("tailored_model_id: only models with training_version 'fibo' can be used here.")
        if found.status != "Completed":
            raise ModelNotReady(f"tailored_model_id: the model's status is {found.status}, not Completed.")
        return found

    def look(self, session: Session, model_id: int) -> Look:
        """What the model with this id, which a request has already been allowed to use, draws with."""
        row = session.get_one(Model, model_id)
        adapter = None
        if row.adapter is not None:
            brand = self._brands.get(row.adapter.removeprefix(_BRAND))
            if brand is None:
                raise ModelNotReady("tailored_model_id: the model's files are no longer installed.")
            adapter = brand.adapter
        return Look(row.name, parse_visual_schema(row.visual_schema), adapter)


def _visible(organisation_id: int) -> sa.ColumnElement[bool]:
    whole = sa.and_(Model.organisation_id.is_(None), Model.status == "Completed")
    return sa.or_(Model.organisation_id == organisation_id, whole)
