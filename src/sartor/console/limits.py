"""What the API's bodies allow, for the forms of the pages: browsers then say it before a form is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from sartor.generation.schemas import ImageBody
from sartor.models.schemas import ModelBody
from sartor.projects.schemas import ProjectBody


@dataclass(frozen=True)
class Limits:
    """Of one field: the most ``characters``, the ``least`` and the ``greatest`` number, all ``choices``; None where the
    field has no such bound."""

    characters: int | None
    least: float | None
    greatest: float | None
    choices: tuple[str, ...] | None


def limits_of(body: type[BaseModel]) -> dict[str, Limits]:
    """The limits of all of a body's fields, by their names."""
    return {name: _limits(schema) for name, schema in body.model_json_schema()["properties"].items()}


def _limits(schema: Mapping[str, Any]) -> Limits:
    variants = [variant for variant in schema.get("anyOf", [schema]) if variant.get("type") != "null"]
    said = variants[0] if len(variants) == 1 else {}
    choices = tuple(said["enum"]) if "enum" in said else None
    return Limits(said.get("maxLength"), said.get("minimum"), said.get("maximum"), choices)


# By the name of a form's field. The names and descriptions of datasets are like those of models.
LIMITS: Mapping[str, Limits] = MappingProxyType(limits_of(ProjectBody) | limits_of(ModelBody) | limits_of(ImageBody))
