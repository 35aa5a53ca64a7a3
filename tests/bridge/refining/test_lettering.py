"""Words in the picture."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import parse, plain
from tests.bridge.scenes import SAILOR

LETTERED = parse(
    {
        **plain(SAILOR),
        "text_render": [
            {"text": "HARBOR", "location": "top center", "size": "medium", "font": "serif"},
            {"text": "1912", "location": "bottom right"},
        ],
    }
)
FIRST, SECOND = plain(LETTERED)["text_render"]


def _texts(bridge: OfflineBridge, prompt: Any, instruction: str) -> Any:
    """The texts after the instruction, which must have changed nothing else."""
    refined = plain(bridge.refine(prompt, instruction).structured_prompt)
    texts = refined.pop("text_render", None)
    assert refined == {name: value for name, value in plain(prompt).items() if name != "text_render"}
    return texts


@pytest.mark.parametrize(
    ("instruction", "entry"),
    [
        ('add text "HARBOR" at the top', {"location": "top center"}),
        ('add the text "HARBOR" in the top left corner', {"location": "top left"}),
        ('write "HARBOR" in big red letters', {"location": "center", "size": "large", "color": "red"}),
        ('put the word "HARBOR" at the bottom in bold white letters',
         {"location": "bottom center", "color": "white", "font": "bold"}),
        ("add the word HARBOR at the bottom in white", {"location": "bottom center", "color": "white"}),
        ('write "HARBOR" on the boat', {"location": "on the boat"}),
        ('add text "HARBOR" at the top and make it red', {"location": "top center", "color": "red"}),
        ('make it say "HARBOR"', {"location": "center"}),
    ],
)  # fmt: skip
def test_a_first_text(bridge: OfflineBridge, instruction: str, entry: dict[str, str]) -> None:
    assert _texts(bridge, SAILOR, instruction) == [{"text": "HARBOR", **entry}]


@pytest.mark.parametrize(
    ("instruction", "texts"),
    [
        ('change the text to "PORT"', [{**FIRST, "text": "PORT"}, SECOND]),
        ('it should say "PORT"', [{**FIRST, "text": "PORT"}, SECOND]),
        ('replace "1912" with "1913"', [FIRST, {**SECOND, "text": "1913"}]),
        ('make "1912" red', [FIRST, {**SECOND, "color": "red"}]),
        ('add "Est." on the left', [FIRST, SECOND, {"text": "Est.", "location": "center left"}]),
        ("make the text bigger", [{**FIRST, "size": "large"}, {**SECOND, "size": "large"}]),
        ("make the letters gold", [{**FIRST, "color": "gold"}, {**SECOND, "color": "gold"}]),
        ('remove "1912"', [FIRST]),
        ("remove the text", None),
        ("no text", None),
    ],
)
def test_texts_that_are_there(bridge: OfflineBridge, instruction: str, texts: list[dict[str, str]] | None) -> None:
    assert _texts(bridge, LETTERED, instruction) == texts


@pytest.mark.parametrize("instruction", ["remove the text", "no text please"])
def test_no_text_is_there(bridge: OfflineBridge, instruction: str) -> None:
    assert _texts(bridge, SAILOR, instruction) is None
    assert "there is no text in the scene" in bridge.refine(SAILOR, instruction).notes


def test_a_letter_may_be_a_thing(bridge: OfflineBridge) -> None:
    assert len(bridge.refine(SAILOR, "add a letter").structured_prompt.objects) == 3
