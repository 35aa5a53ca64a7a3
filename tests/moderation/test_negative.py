"""Negative prompts: wishes for safety pass, wishes for nakedness in disguise do not."""

import pytest

from sartor.moderation.negative import check_negative_prompt


@pytest.mark.parametrize(
    "text",
    [
        "nudity, blood",
        "nsfw, porn, guns, gore, swastika",
        "text, watermark",
        "underwear, bra, lingerie",
        "no clothes",
        "torn clothes",
        "modern clothing, hats",
        "naked people; corpses",
        "(blood:1.4)",
        "",
        "1.4",
        "nazi symbols",
    ],
)
def test_wishes_for_safety_pass(text: str) -> None:
    assert check_negative_prompt(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "clothes",
        "text, clothing",
        "blurry\nclothes",
        "(fully clothed:1.4)",
        "dressed",
        "wearing any clothes",
        "c l o t h e s",
        "a woman with clothes",
        "cl0thing",
        "kleidung",
        "vêtements",
        "одежда",
    ],
)
def test_keeping_clothing_out_is_asking_for_nakedness(text: str) -> None:
    finding = check_negative_prompt(text)
    assert finding is not None
    assert finding.category == "non_explicit_nudity"


@pytest.mark.parametrize("text", ["text, niggers", "f a g g o t"])
def test_slurs_are_refused(text: str) -> None:
    finding = check_negative_prompt(text)
    assert finding is not None
    assert finding.category == "hate"
    assert finding.evidence in text.replace(" ", "")
