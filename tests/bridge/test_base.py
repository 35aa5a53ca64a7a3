import pytest

from sartor.bridge import Bridge, BridgeError, BridgeUnavailable, OfflineBridge, UnusablePrompt
from sartor.bridge.base import MAX_PROMPT_CHARACTERS, check_prompt


def test_the_error_tree():
    assert issubclass(UnusablePrompt, BridgeError)
    assert issubclass(BridgeUnavailable, BridgeError)


def test_white_space_around_a_prompt_is_nothing():
    assert check_prompt("  a fox\n") == "a fox"


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), (" \n\t", "empty"), ("a" * (MAX_PROMPT_CHARACTERS + 1), "longer than"), ("a\x00b", "no text")],
)
def test_prompts_that_nobody_can_use(text: str, words: str):
    with pytest.raises(UnusablePrompt, match=words):
        check_prompt(text)


def test_the_offline_bridge_keeps_to_the_protocol():
    bridge: Bridge = OfflineBridge()
    assert bridge.name == "offline"
