"""Changes of fields that an instruction calls by their names: "change the style to 'realistic 3D render'", "remove blue
from colors", "set mood_atmosphere to eerie".

A prompt or a visual schema may have fields of its owner's own, of which the grammar knows nothing. They are understood
by their names as they stand, those of the format only where they are written as in JSON, with an underscore or a dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sartor.bridge.english.patterns import any_of
from sartor.vgl import Aesthetics, Lighting, PhotographicCharacteristics, StructuredPrompt

_SECTIONS: dict[str, Any] = {
    "": StructuredPrompt,
    "lighting": Lighting,
    "aesthetics": Aesthetics,
    "photographic_characteristics": PhotographicCharacteristics,
}
_QUOTED = r"\"[^\"]+\"|“[^”]+”|'[^']+'(?!\w)|‘[^’]+’"
_VERBS = r"(?:change|set|make|update|turn|add|remove|delete|drop|clear|take)\b"
_END = rf"(?=\s*(?:[;.](?:\s|$)|$|(?:,\s*|\b(?:and|then|but)\s+)+{_VERBS}))"
_PARTS = re.compile(r"\s*(?:,\s*and\b|,|\band\b)\s*")
_BETWEEN = r"(?:[\s,;.]|\b(?:and|then|but)\b)*"
_FOLLOWED = re.compile(rf"{_BETWEEN}\0{_BETWEEN}", re.IGNORECASE)


@dataclass(frozen=True)
class _Field:
    holder: dict[str, Any]
    name: str


def change_named_fields(values: dict[str, Any], instruction: str) -> tuple[str, list[str]]:
    """Edits ``values`` in place. The instruction without what was followed, and notes of what could not be."""
    missing = [section for section in _SECTIONS if section and section not in values]
    values |= {section: {} for section in missing}  # their fields can be set all the same
    fields = {spelling: field for field in _fields(values) for spelling in _spellings(field, values)}
    notes: list[str] = []
    names = any_of(fields)
    value = rf"(?P<value>{_QUOTED}|(?!['‘])[^;.\"“]+?)"
    for pattern, change in (
        (rf"(?:change|set|update|make|turn)\s+(?:the\s+)?(?P<name>{names})\s+(?:to|into|as|=)\s*{value}{_END}", _set),
        (rf"(?:remove|delete|drop|take)\s+(?:the\s+)?{value}\s+from\s+(?:the\s+)?(?P<name>{names}){_END}", _remove),
        (rf"add\s+{value}\s+to\s+(?:the\s+)?(?P<name>{names}){_END}", _add),
        (rf"(?P<value>)(?:remove|delete|drop|clear)\s+(?:the\s+)?(?P<name>{names})(?:\s+field)?{_END}", _clear),
    ):
        for found in list(re.finditer(rf"(?<!\w){pattern}", instruction, re.IGNORECASE)):
            field = fields.get(found["name"].lower())  # None: "ı" matches "i", and is no capital of it
            told = found["value"].strip().strip("\"“”'‘’")
            if field is not None and (field.name in field.holder or change is _set):
                notes += change(field, told)
                instruction = instruction.replace(found.group(), "\0", 1)
    for section in missing:
        if not values[section]:
            del values[section]
    return (_FOLLOWED.sub(". ", instruction).strip(" .,;") if "\0" in instruction else instruction), notes


def _fields(values: dict[str, Any]) -> Iterator[_Field]:
    """Every text and list of texts, but for those of objects; and the format's own that are not there."""
    for section, model in _SECTIONS.items():
        holder = values.get(section) if section else values
        if isinstance(holder, dict):
            names = [name for name, value in holder.items() if _is_told(value)]
            yield from (_Field(holder, name) for name in dict.fromkeys([*names, *_texts_of(model)]))
    known = {id(values.get(section)) for section in _SECTIONS}
    for held in values.values():
        if isinstance(held, dict) and id(held) not in known:
            yield from (_Field(held, name) for name, value in held.items() if _is_told(value))


def _is_told(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def _texts_of(model: Any) -> list[str]:
    sections = {*_SECTIONS, "objects", "text_render", "short_description"}
    return [name for name in model.model_fields if name not in sections]


def _spellings(field: _Field, values: dict[str, Any]) -> Iterator[str]:
    """How an instruction may call the field, in lower case."""
    section = next(
        (name for name, model in _SECTIONS.items() if (values.get(name) if name else values) is field.holder), None
    )
    name = field.name.lower()
    if section is not None and field.name in _SECTIONS[section].model_fields:
        if "_" in name and name != "short_description":
            yield name
        if section:
            yield f"{section}.{name}"
        return
    for spelling in {name, name.replace("_", " ")}:
        yield spelling
        yield spelling.removesuffix("s") if spelling.endswith("s") else f"{spelling}s"


def _set(field: _Field, told: str) -> list[str]:
    field.holder[field.name] = _PARTS.split(told) if isinstance(field.holder.get(field.name), list) else told
    return []


def _remove(field: _Field, told: str) -> list[str]:
    value = field.holder[field.name]
    parts = value if isinstance(value, list) else _PARTS.split(value)
    kept = [part for part in parts if part.strip().casefold() != told.casefold()]
    if len(kept) == len(parts):
        return [f"there is no {told} in {field.name}"]
    if isinstance(value, list):
        field.holder[field.name] = kept
    elif kept:
        field.holder[field.name] = ", ".join(kept)
    else:
        del field.holder[field.name]
    return []


def _add(field: _Field, told: str) -> list[str]:
    value = field.holder[field.name]
    field.holder[field.name] = [*value, *_PARTS.split(told)] if isinstance(value, list) else f"{value}, {told}"
    return []


def _clear(field: _Field, told: str) -> list[str]:
    del field.holder[field.name]
    return []
