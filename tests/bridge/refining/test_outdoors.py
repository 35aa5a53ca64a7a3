"""The hour, the weather and the surroundings of a prompt that somebody wrote."""

import pytest

from sartor.bridge import OfflineBridge
from sartor.bridge.refining.hours import find_hour, find_weather
from sartor.vgl import parse
from tests.bridge.scenes import LIGHT, SAILOR, SETTING, SUMMARY, changes

PIER = "a wooden pier above a calm harbour"
TOLD = "An old sailor in a navy coat stands on a wooden pier next to a red boat"


@pytest.mark.parametrize(
    ("instruction", "phrase", "light"),
    [
        ("make it golden hour", "at golden hour", "warm golden light"),
        ("change the time to golden hour", "at golden hour", "warm golden light"),
        ("change the time of day to evening", "in the evening", "warm golden light"),
        ("at golden hour", "at golden hour", "warm golden light"),
        ("at blue hour", "at blue hour", "cool bluish light"),
        ("at noon", "at noon", "bright even light"),
        ("in the morning", "in the morning", "warm golden light"),
        ("make it early morning", "in the early morning", "warm golden light"),
        ("make it dawn", "at dawn", "warm golden light"),
        ("make it midnight", "at midnight", "dim light"),
        ("set it at night", "at night", "dim light"),
        ("it should be night", "at night", "dim light"),
        ("during the day", "during the day", "bright even light"),
        ("make it a rainy night", "on a rainy night", "dim light"),
        ("make it a sunny day", "on a sunny day", "warm golden light"),
    ],
)
def test_the_hour_is_told_where_it_was(bridge: OfflineBridge, instruction: str, phrase: str, light: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {
        SETTING: f"{PIER} {phrase}", SUMMARY: f"{TOLD} {phrase}", LIGHT: light}  # fmt: skip


@pytest.mark.parametrize(
    ("instruction", "phrase"),
    [
        ("make it foggy", "in fog"),
        ("add rain", "in the rain"),
        ("heavy rain", "in heavy rain"),
        ("make it winter", "in winter"),
        ("change the weather to fog", "in fog"),
    ],
)
def test_the_weather_is_told_shortly(bridge: OfflineBridge, instruction: str, phrase: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {
        SETTING: f"{PIER} at dusk, {phrase}", SUMMARY: f"{TOLD} at dusk, {phrase}"}  # fmt: skip


@pytest.mark.parametrize(
    ("instruction", "setting"),
    [
        ("make it sunny", "A sunny street"),
        ("make it snowy", "A snowy street"),
        ("add fog", "A rainy street, in fog"),
        ("at night", "A rainy street, at night"),
    ],
)
def test_other_weather_takes_the_former_ones_place(bridge: OfflineBridge, instruction: str, setting: str) -> None:
    prompt = parse({"objects": [{"description": "A man"}], "background_setting": "A rainy street"})
    assert changes(bridge, prompt, instruction)[SETTING] == setting


@pytest.mark.parametrize(
    ("instruction", "setting", "place"),
    [
        ("change the background to a snowy mountain", "snowy mountain", "a snowy mountain"),
        ("replace the background with a castle", "castle", "a castle"),
        ("put him in a forest", "forest", "a forest"),
        (
            "the background should be a forest with pine trees and a lake",
            "forest with pine trees and a lake",
            "a forest with pine trees and a lake",
        ),
    ],
)
def test_other_surroundings(bridge: OfflineBridge, instruction: str, setting: str, place: str) -> None:
    summary = f"An old sailor in a navy coat stands in front of {place} next to a red boat at dusk"
    assert changes(bridge, SAILOR, instruction) == {SETTING: setting, SUMMARY: summary}


def test_other_surroundings_at_another_hour(bridge: OfflineBridge) -> None:
    assert changes(bridge, SAILOR, "replace the background with a forest at night") == {
        SETTING: "forest, at night",
        LIGHT: "dim light",
        SUMMARY: "An old sailor in a navy coat stands in front of a forest next to a red boat at night",
    }


def test_no_hour_makes_a_thing(bridge: OfflineBridge) -> None:
    prompt = bridge.translate("a penguin on a yellow background").structured_prompt
    assert changes(bridge, prompt, "at noon") == {}
    for instruction in ("at blue hour", "in the afternoon", "make it early morning"):
        assert set(changes(bridge, prompt, instruction)) == {LIGHT, "aesthetics.mood_atmosphere"}, instruction


@pytest.mark.parametrize(
    ("hour", "text", "expected"),
    [
        ("night", "A morning market", "A night market"),
        ("dawn", "A harbour in the evening light", "A harbour in the dawn light"),
        ("noon", "A starry sky by night, calm", "A starry sky at noon, calm"),
        ("night", "A sunny day", None),
        ("night", "A harbour", None),
    ],
)
def test_an_hour_within_a_text(hour: str, text: str, expected: str | None) -> None:
    found = find_hour(hour)
    assert found is not None
    assert found.swapped(text) == expected


@pytest.mark.parametrize("words", ["", "the boat", "snowy mountain", "daylight"])
def test_what_is_no_weather(words: str) -> None:
    assert find_weather(words) is None


@pytest.mark.parametrize(
    ("setting", "instruction", "then"),
    [
        ("a pier, in fog", "less fog", "a pier, in light fog"),
        ("a pier, in fog", "more fog", "a pier, in heavy fog"),
        ("a pier, in fog", "make it less foggy", "a pier, in light fog"),
        ("a pier in heavy rain", "less rain", "a pier in light rain"),
        ("a foggy pier", "more fog", "a very foggy pier"),
        ("a snowy pier", "less snow", "a slightly snowy pier"),
        ("a pier", "more snow", "a pier, in the snow"),
        ("a pier", "less fog", "a pier"),
        ("a pier", "add a downpour", "a pier, in the rain"),
    ],
)
def test_more_and_less_of_the_weather(bridge: OfflineBridge, setting: str, instruction: str, then: str) -> None:
    prompt = parse({"short_description": f"A boat at {setting}", "background_setting": setting})
    refined = bridge.refine(prompt, instruction).structured_prompt
    assert refined.background_setting == then
    assert refined.short_description == f"A boat at {then}"
