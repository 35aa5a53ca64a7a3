"""Phrases within a sentence that somebody wrote: cut, counted, and made another thing."""

import pytest

from sartor.bridge.refining.phrases import become, count, cut, several


@pytest.mark.parametrize(
    ("text", "noun", "expected"),
    [
        ("A man stands next to a red boat at dusk", "boat", "A man stands at dusk"),
        ("A man with a red boat in the background", "boat", "A man"),
        ("A woman holding a red umbrella in her hand, smiling", "umbrella", "A woman, smiling"),
        ("A cat and a dog on grass", "dog", "A cat on grass"),
        ("A cat, a dog and a bird on grass", "dog", "A cat and a bird on grass"),
        ("A cat, a dog and a bird on grass", "bird", "A cat and a dog on grass"),
        ("A man next to a boat and a lighthouse", "boat", "A man next to a lighthouse"),
        ("A man next to a boat with peeling paint.", "boat", "A man."),
        ("A man next to a boat with a red sail.", "boat", None),
        ("A cat and a dog sit on a mat", "dog", None),
        ("A cat and a dog sit on a mat", "cat", None),
        ("A man is next to a boat", "boat", None),
        ("A man beside a boat that leaks", "boat", None),
        ("A lamp on a table and its shadow", "table", None),
        ("A boat at sea", "boat", None),
        ("A man", "boat", None),
    ],
)
def test_cut(text: str, noun: str, expected: str | None) -> None:
    assert cut(text, noun, "A boat with peeling paint") == expected


@pytest.mark.parametrize(
    ("text", "number", "expected"),
    [
        ("A man next to a red boat at dusk", 2, "A man next to two red boats at dusk"),
        ("A man next to the boat", 12, "A man next to 12 boats"),
        ("A red boat sails", 2, None),
        ("A man and a boat sail", 2, None),
        ("A man", 2, None),
        ("A man next to a boat", 1, None),
    ],
)
def test_count(text: str, number: int, expected: str | None) -> None:
    assert count(text, "boat", number) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A red boat with paint", "Red boats with paint"),
        ("boat", "boats"),
        ("A ship", "A ship"),
        ("Red boats", "Red boats"),
    ],
)
def test_several(text: str, expected: str) -> None:
    assert several(text, "boat") == expected


@pytest.mark.parametrize(
    ("text", "noun", "expected"),
    [
        ("A man next to a red boat", "boat", "A man next to an owl"),
        ("An old sailor in a navy coat stands there", "sailor", "An owl stands there"),
        ("The sailor in a hurry", "sailor", "The owl in a hurry"),
        ("A man next to a fast boat", "boat", None),
        ("A man", "boat", None),
    ],
)
def test_become(text: str, noun: str, expected: str | None) -> None:
    assert become(text, noun, "owl", "an old sailor, wooden boat, navy wool coat") == expected
