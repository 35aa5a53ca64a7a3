"""Which texts can be kept, and that asking takes no time worth mentioning."""

from __future__ import annotations

import time
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from sartor.kit.texts import Writable, check_writable

NAME: TypeAdapter[str] = TypeAdapter(Annotated[str, Writable])


@pytest.mark.parametrize("code", [0, 0xD800, 0xDBFF, 0xDC00, 0xDFFF])
@pytest.mark.parametrize("around", ["", "a", "é", "漢", "😀"])
def test_characters_that_no_text_can_hold(code: int, around: str) -> None:
    letter = chr(code)
    for text in (letter + around, around + letter, around + letter + around):
        with pytest.raises(ValidationError, match=r"holds a character that no text can hold \(NUL or half a surrogate"):
            NAME.validate_python(text)


@pytest.mark.parametrize("letter", ["\x01", "\x7f", "é", "\ud7ff", "\ue000", "\uffff", "😀", "\U0010ffff"])
def test_all_others_can(letter: str) -> None:
    assert NAME.validate_python(f"a{letter}a") == f"a{letter}a"


def test_what_is_no_text_is_left_to_the_type() -> None:
    with pytest.raises(ValidationError, match="valid string"):
        NAME.validate_python(7)


def test_twelve_megabytes_are_looked_at_at_once() -> None:
    text = "QUJD" * (4 * 1024 * 1024)  # what base64 makes of 12 MB
    began = time.perf_counter()
    assert check_writable(text) is text
    assert time.perf_counter() - began < 0.2
