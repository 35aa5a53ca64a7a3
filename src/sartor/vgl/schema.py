"""The structured prompt: a scene described field by field, with the public field names in their public order.

Every field is optional and unknown fields are kept: a structured prompt made by another bridge, or by a later
dialect of the format, passes through unharmed. What is refused is what could not be a structured prompt at all.

    SartorVglError
    └── InvalidStructuredPrompt     the message names the field, e.g. "objects[2].number_of_objects: ..."
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

# FIBO's own captions run to about 8,000 characters; the rest is room for people who write more. Counted are the
# characters of all names, strings, numbers, constants and brackets, and one more for each value.
MAX_CHARACTERS = 65_536
# The deepest public field sits three levels down (objects, an object, its field).
MAX_DEPTH = 8
# Entries of one list or mapping: far more objects than any picture can hold.
MAX_ENTRIES = 128

Path = tuple[str | int, ...]


class SartorVglError(ValueError):
    """Base of what this room raises."""


class InvalidStructuredPrompt(SartorVglError):
    """Not JSON, not a structured prompt, too large or too deep. ``field`` is the path, empty for the whole."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class _Section(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())


Count = Annotated[int, Field(ge=0, le=1_000_000)]


class SceneObject(_Section):
    """One thing, or a cluster of ``number_of_objects`` equal things."""

    description: str | None = None
    location: str | None = None
    relationship: str | None = None
    relative_size: str | None = None
    shape_and_color: str | None = None
    texture: str | None = None
    appearance_details: str | None = None
    number_of_objects: Count | None = None
    pose: str | None = None
    expression: str | None = None
    clothing: str | None = None
    action: str | None = None
    gender: str | None = None
    skin_tone_and_texture: str | None = None
    orientation: str | None = None


class Lighting(_Section):
    conditions: str | None = None
    direction: str | None = None
    shadows: str | None = None


class Aesthetics(_Section):
    composition: str | None = None
    color_scheme: str | None = None
    mood_atmosphere: str | None = None
    preference_score: str | None = None
    aesthetic_score: str | None = None


class PhotographicCharacteristics(_Section):
    depth_of_field: str | None = None
    focus: str | None = None
    camera_angle: str | None = None
    lens_focal_length: str | None = None


class TextRender(_Section):
    """Words to be drawn in the picture."""

    text: str | None = None
    location: str | None = None
    size: str | None = None
    color: str | None = None
    font: str | None = None
    appearance_details: str | None = None


class StructuredPrompt(_Section):
    """A whole scene. Make one with :func:`parse`, which also normalises; write one with ``canonical``."""

    short_description: str | None = None
    objects: list[SceneObject] | None = None
    background_setting: str | None = None
    lighting: Lighting | None = None
    aesthetics: Aesthetics | None = None
    photographic_characteristics: PhotographicCharacteristics | None = None
    style_medium: str | None = None
    text_render: list[TextRender] | None = None
    context: str | None = None
    artistic_style: str | None = None


_KINDS = (StructuredPrompt, SceneObject, Lighting, Aesthetics, PhotographicCharacteristics, TextRender)
FIELD_NAMES = frozenset(name for kind in _KINDS for name in kind.model_fields)

P = TypeVar("P", bound=StructuredPrompt)


def parse(value: str | Mapping[str, Any]) -> StructuredPrompt:
    """A structured prompt from JSON text or from a mapping of JSON values.

    Strings lose surrounding white space; nulls and empty strings, lists and mappings are dropped, so that two
    prompts that say the same are equal. Raises InvalidStructuredPrompt.
    """
    return parse_as(StructuredPrompt, value)


def parse_as(
    kind: type[P], value: str | Mapping[str, Any], *, characters: int = MAX_CHARACTERS, entries: int = MAX_ENTRIES
) -> P:
    """Like :func:`parse`, into a subclass of StructuredPrompt, with other bounds on the characters in all and on the
    entries of one list or mapping."""
    if isinstance(value, str):
        value = _read_json(value)
    if not isinstance(value, Mapping):
        raise InvalidStructuredPrompt(f"must be a JSON object, not {_kind(value)}")
    cleaned = _Cleaner(characters, entries).clean(value)
    try:
        return kind.model_validate({} if cleaned is None else cleaned)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise InvalidStructuredPrompt(_reason(first["type"], first["msg"]), format_path(first["loc"])) from None


def plain(vgl: BaseModel) -> dict[str, Any]:
    """The prompt as JSON values in field order, without nulls and empties; unknown fields follow, sorted."""
    cleaned = _Cleaner().clean(_ordered(vgl))
    return cleaned if isinstance(cleaned, dict) else {}


def format_path(location: Path) -> str:
    """("objects", 2, "description") -> "objects[2].description"; odd keys are quoted: ``["a.b"]``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isascii() and part.isidentifier():
            path += f".{part}" if path else part
        else:
            path += f"[{json.dumps(part, ensure_ascii=False)}]"
    return path


def _read_json(text: str) -> Any:
    if len(text) > 8 * MAX_CHARACTERS:  # room for indentation and escapes
        raise InvalidStructuredPrompt(f"longer than {MAX_CHARACTERS} characters in all")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidStructuredPrompt(f"is not JSON ({error.msg} at {where})") from None
    except RecursionError:
        raise InvalidStructuredPrompt(f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:  # a constant refused below, or an integer of thousands of digits
        raise InvalidStructuredPrompt(f"is not JSON ({error})") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


class _Cleaner:
    """Strips white space, drops empties and checks every bound, counting characters down over one whole prompt."""

    def __init__(self, characters: int = MAX_CHARACTERS, entries: int = MAX_ENTRIES) -> None:
        self._characters = self._left = characters
        self._entries = entries

    def clean(self, value: Any, path: Path = (), depth: int = 1) -> Any:
        """The JSON value, or None where nothing is left of it."""
        self._count(1, path)
        if isinstance(value, str):
            return self._text(value, path)
        if value is None or isinstance(value, (bool, int, float)):
            return self._number(value, path)
        if not isinstance(value, (Mapping, list, tuple)):
            raise InvalidStructuredPrompt(f"must be a JSON value, not {type(value).__name__}", format_path(path))
        self._count(2, path)
        if depth > MAX_DEPTH:
            raise InvalidStructuredPrompt(f"nested deeper than {MAX_DEPTH} levels", format_path(path))
        if len(value) > self._entries:
            raise InvalidStructuredPrompt(f"has more than {self._entries} entries", format_path(path))
        if isinstance(value, Mapping):
            return self._mapping(value, path, depth) or None
        items = (self.clean(item, (*path, index), depth + 1) for index, item in enumerate(value))
        return [item for item in items if item is not None] or None

    def _mapping(self, value: Mapping[Any, Any], path: Path, depth: int) -> dict[str, Any]:
        cleaned = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidStructuredPrompt("field names must be strings", format_path(path))
            self._text(key, path)
            kept = self.clean(item, (*path, key), depth + 1)
            if kept is not None:
                cleaned[key] = kept
        return cleaned

    def _number(self, value: Any, path: Path) -> Any:
        """A number, true, false or null."""
        if isinstance(value, float):
            if not math.isfinite(value):
                raise InvalidStructuredPrompt("is not a finite number", format_path(path))
        elif value is not None and abs(value) > 2**63:
            raise InvalidStructuredPrompt("is too large a number", format_path(path))
        self._count(len(str(value)), path)
        return value

    def _count(self, characters: int, path: Path) -> None:
        self._left -= characters
        if self._left < 0:
            raise InvalidStructuredPrompt(f"longer than {self._characters} characters in all", format_path(path))

    def _text(self, value: str, path: Path) -> str | None:
        self._count(len(value), path)
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            reason = "holds a character that no text can hold (NUL or half a surrogate)"
            raise InvalidStructuredPrompt(reason, format_path(path))
        return value.strip() or None


def _ordered(value: Any) -> Any:
    if isinstance(value, BaseModel):
        # A field that says nothing is not counted: what could be parsed can be written.
        given = {name: getattr(value, name) for name in type(value).model_fields}
        fields = {name: _ordered(field) for name, field in given.items() if field is not None}
        extra = value.__pydantic_extra__ or {}
        return fields | {name: _ordered(extra[name]) for name in sorted(extra)}
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def _reason(kind: str, message: str) -> str:
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return "must be a JSON object"
    wanted = {"string_type": "a string", "list_type": "a list", "int_type": "a whole number"}
    if kind in wanted:
        return f"must be {wanted[kind]}"
    return message[:1].lower() + message[1:]
