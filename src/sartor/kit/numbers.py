"""Whole numbers in bodies."""

from pydantic import BeforeValidator


def _whole(value: object) -> object:
    """JSON has one kind of number: 100.0 is the integer 100. Strings and booleans are no numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
