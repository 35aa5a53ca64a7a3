"""Whole numbers in bodies."""

from pydantic import BeforeValidator


def _whole(value: object) -> object:
    """JSON has one kind of number: 100.0 is the integer 100. Strings and booleans are no numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# After the bounds in an annotation: after this one JSON Schema has no words for them.
Whole = BeforeValidator(_whole)
