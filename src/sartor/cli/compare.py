"""``sartor diff``: what differs between two structured prompts, wherever they are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sartor.vgl import Change, InvalidStructuredPrompt, StructuredPrompt, diff, parse

_PNG = b"\x89PNG"


class NotAStructuredPrompt(Exception):
    """The message says which of the two, and why."""


def compare(a: str, b: str) -> list[Change]:
    """The changes from ``a`` to ``b``. Each is a JSON file, a PNG with its recipe inside, or JSON text.

    Raises NotAStructuredPrompt.
    """
    return diff(_read(a), _read(b))


def _read(given: str) -> StructuredPrompt:
    if given.lstrip().startswith("{"):
        return _parse(given, "the text")
    try:
        data = Path(given).read_bytes()
        text = _recipe(data) if data.startswith(_PNG) else data.decode()
    except (OSError, ValueError) as error:
        raise NotAStructuredPrompt(f"{given}: {error}") from None
    return _parse(text, given)


def _recipe(png: bytes) -> str:
    from sartor.fibo import RecipeError, read_recipe

    try:
        return read_recipe(png).prompt
    except RecipeError as error:
        raise ValueError(str(error)) from None


def _parse(text: str, name: str) -> StructuredPrompt:
    """A structured prompt, or that in an answer of the service."""
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise NotAStructuredPrompt(f"{name}: is not JSON ({error})") from None
    if isinstance(value, dict):
        value = value.get("result", value)
        value = value.get("structured_prompt", value) if isinstance(value, dict) else value
    try:
        return parse(value)
    except InvalidStructuredPrompt as error:
        raise NotAStructuredPrompt(f"{name}: {error}") from None
