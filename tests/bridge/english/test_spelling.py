"""Slips of the pen, and words that only look like them."""

import time

import pytest

from sartor.bridge import OfflineBridge
from sartor.bridge.english.spelling import Spelling
from sartor.vgl import parse

SPELLING = Spelling(["penguin", "sticker", "balloon", "paste", "elephant", "elegant"], {"green", "grey", "rose"},
                    {"change", "remove"}, {"taste", "walk"}, [("ing", "")])  # fmt: skip


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("a gren pengiun", "a green penguin"),
        ("two baloons and a stiker", "two baloons and a sticker"),
        ("Chnage it", "Change it"),
        ("an elefant", "an elephant"),
        ("remvoe it", "remove it"),
    ],
)
def test_a_slip_is_made_good(text: str, corrected: str) -> None:
    found, notes = SPELLING.corrected(text)
    assert found == corrected
    assert len(notes) == sum(one != other for one, other in zip(text.split(), corrected.split(), strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "Pengiun walking",  # a name
        "a shop of Stiker",
        'the word "stiker"',
        "called stiker",
        "a taste",  # in the dictionary
        "walking",  # inflected
        "pasta rosa una mesa verde",  # another language
        "stiker_1 e-stiker stiker's @stiker",
    ],
)
def test_what_is_no_slip_stays(text: str) -> None:
    assert SPELLING.corrected(text) == (text, [])


def test_words_that_were_told_before_are_no_slips() -> None:
    assert SPELLING.corrected("a stiker", told="Stiker on a wall") == ("a stiker", [])


def test_a_prompt_with_slips(bridge: OfflineBridge) -> None:
    told = bridge.translate("a stiker of a purpel pengiun on a yelow backgroud")
    assert told.structured_prompt.short_description == "A purple penguin on a plain yellow background"
    assert [note for note in told.notes if note.startswith("read ")] == [
        'read "stiker" as "sticker"', 'read "purpel" as "purple"', 'read "pengiun" as "penguin"',
        'read "yelow" as "yellow"', 'read "backgroud" as "background"']  # fmt: skip


def test_an_instruction_with_slips(bridge: OfflineBridge) -> None:
    scene = parse({"objects": [{"description": "cat"}, {"description": "gren"}]})
    refined = bridge.refine(scene, "chnage the cat to purpel and remvoe the gren").structured_prompt
    assert [entry.shape_and_color for entry in refined.objects] == ["purple"]


def test_many_words_take_no_time() -> None:
    begun = time.perf_counter()
    SPELLING.corrected("a gren pengiun with stikers " * 280)
    assert time.perf_counter() - begun < 1
