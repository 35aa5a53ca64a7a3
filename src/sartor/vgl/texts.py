"""Every text in a JSON value."""

from collections.abc import Iterator
from typing import Any

from sartor.vgl.schema import FIELD_NAMES


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value (objects' values, not their names), in order."""
    return _found(value, None)


def said(value: Any) -> Iterator[str]:
    """All that a structured prompt tells the model, as JSON values: every text, and before its own every name that is
    not one of the format's fields."""
    return _found(value, FIELD_NAMES)


def _found(value: Any, silent: frozenset[str] | None) -> Iterator[str]:
    """Texts, and names but for the silent ones; None is silent on all."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, entry in value.items():
            if silent is not None and name not in silent:
                yield name
            yield from _found(entry, silent)
    elif isinstance(value, list):
        for entry in value:
            yield from _found(entry, silent)
