"""A language model's reply, read with suspicion: only the fields that were asked for, and each of the kind asked for.

Whatever else a reply holds is dropped: unknown fields, values nested where text belongs, fields of a length that no
description has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from sartor.vgl import InvalidStructuredPrompt, StructuredPrompt, parse
from sartor.vgl.schema import MAX_ENTRIES

# Characters of one field: the longest that is asked for has 200 words.
LONGEST_FIELD = 2_000
_LONGEST_REPLY = 400_000
_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)
# Without these a reply describes no picture; a person's own prompt may leave them out.
_NEEDED = ("short_description", "background_setting", "lighting", "aesthetics", "context")


class UnusableReply(Exception):
    """A reply that came and cannot be used; the message tells the language model why."""


def read_reply(text: str, schema: dict[str, Any], *, given: Collection[str] = ()) -> dict[str, Any]:
    """The reply's JSON object with what ``schema`` (Gemini's spelling) asks for; a text in ``given`` may be long.

    Raises UnusableReply for what is no JSON object.
    """
    if len(text) > _LONGEST_REPLY:
        raise UnusableReply("the reply was too long: say the same in fewer words")
    fenced = _FENCE.fullmatch(text)
    try:
        value = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        raise UnusableReply("it is not JSON") from None
    if not isinstance(value, dict):
        raise UnusableReply("it is not a JSON object")
    return _asked_for(value, schema, frozenset(given)) or {}


def read_scene(values: dict[str, Any]) -> StructuredPrompt:
    """A whole scene. Raises UnusableReply naming the field that is missing or wrong."""
    scene = read_partial(values)
    missing = [name for name in _NEEDED if getattr(scene, name) is None]
    if missing:
        raise UnusableReply(f"these keys are missing or are not of the form that was asked for: {', '.join(missing)}")
    return scene


def read_partial(values: dict[str, Any]) -> StructuredPrompt:
    """What of a scene is there. Raises UnusableReply naming the field that is wrong."""
    try:
        return parse(values)
    except InvalidStructuredPrompt as error:
        raise UnusableReply(str(error)) from None


def _asked_for(value: Any, schema: dict[str, Any], given: frozenset[str]) -> Any:
    """The part of the value that the schema describes, None where nothing is."""
    match schema["type"]:
        case "OBJECT" if isinstance(value, dict):
            kept = {name: _asked_for(value.get(name), part, given) for name, part in schema["properties"].items()}
            return {name: entry for name, entry in kept.items() if entry is not None} or None
        case "ARRAY" if isinstance(value, list):
            entries = [_asked_for(entry, schema["items"], given) for entry in value[:MAX_ENTRIES]]
            return [entry for entry in entries if entry is not None]
        case "STRING" if isinstance(value, str):
            return value if len(value) <= LONGEST_FIELD or value.strip() in given else None
        case "INTEGER" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "INTEGER" if isinstance(value, float) and value.is_integer():
            return int(value)
        case _:
            return None
