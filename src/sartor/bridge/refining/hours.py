"""The hour and the weather within texts: how they are said, and others in the place of those that a text tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sartor.bridge.english.almanac import HOURS, SEASONS, WEATHER_ADJECTIVES, WEATHER_NOUNS, WEATHERS
from sartor.bridge.english.patterns import any_of, literally
from sartor.bridge.refining.recoloring import with_article

_WEIGHTS = ("heavy", "light", "thick", "thin", "dense", "strong", "slight", "some", "heavier", "lighter")
_SEASONS = [*SEASONS, "fall"]
_PART = r"(?:early |late |mid[- ])?"
_LATIN = re.IGNORECASE | re.ASCII  # else "ı" matches "i", and no table has "mıdday"
_NAMED = re.compile(rf"\b({_PART})({any_of(HOURS)})\b", _LATIN)
# Of a phrase that ends there, nothing is left; "in the evening light" only has another word for "evening".
_ENDS = r"(?=\s*(?:$|[.,;:]|(?:with|and|under|in|on|over|by|near|beside|next|while|as|before|behind|above|against)\b))"
_AT_HOUR = re.compile(
    rf"\b(?:at|by|in|during|on|around) (?:(?:the|an?) )?{_PART}(?:{any_of(WEATHER_ADJECTIVES)} )?"
    rf"{any_of(HOURS)}\b{_ENDS}",
    re.IGNORECASE,
)
_BARE_HOUR = re.compile(
    rf"\b{_PART}(?:{any_of(HOURS.keys() - {'day', 'daytime', 'night'})}|(?<!\w )night|night(?= sky))\b", re.IGNORECASE
)
_IN_WEATHER = re.compile(
    rf"\b(?:in|during|through|under) (?:(?:the|an?) )?(?:\w+ )?{any_of(WEATHER_NOUNS)}\b{_ENDS}"
    r"|\bunder an? (?:cloudy|overcast) sky\b",
    re.IGNORECASE,
)
_WEATHER_WORD = re.compile(rf"\b{any_of(WEATHER_ADJECTIVES)}\b", _LATIN)
_IN_SEASON = re.compile(rf"\b(?:in (?:the )?)?({any_of(_SEASONS)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Circumstance:
    """``phrase`` is how a text ends on it ("at night"), ``word`` stands for another one's word, ``adjective`` for
    another one's adjective. ``light``: the hour's own. ``silent``: no text is continued by it."""

    phrase: str
    word: str
    kind: str = "hour"
    adjective: str = ""
    light: str | None = None
    silent: bool = False

    def swapped(self, text: str) -> str | None:
        """The text with this in place of the hour or weather that it tells; None where it tells none."""
        if self.kind == "season":
            changed, count = _IN_SEASON.subn(self._season, text, count=1)
            return changed if count else None
        phrases, words, new = (
            (_AT_HOUR, _BARE_HOUR, self.word) if self.kind == "hour" else (_IN_WEATHER, _WEATHER_WORD, self.adjective)
        )
        changed, count = phrases.subn(literally(self.phrase), text, count=1)
        if not count and new:
            changed, count = words.subn(new, text, count=1)
        return changed if count else None

    def told(self, text: str, *, add: bool = False) -> str:
        """The text with this in it: in place of another, else at the end of its first sentence.

        add: beside another.
        """
        changed = None if add else self.swapped(text)
        if changed is not None:
            return changed
        if self.silent or re.search(rf"\b{re.escape(self.phrase)}\b", text, re.IGNORECASE):
            return text
        first, dot, rest = text.partition(".")
        return f"{first}, {self.phrase}{dot}{rest}"

    def _season(self, match: re.Match[str]) -> str:
        return match.group().replace(match.group(1), self.word)


def find_hour(text: str) -> Circumstance | None:
    """The hour that a few words name: "the late afternoon", "a foggy morning"."""
    found = _NAMED.search(text)
    if found is None:
        return None
    name = found.group(2).lower()
    phrase, light = HOURS[name]
    part = found.group(1).lower()
    weather = _WEATHER_WORD.search(text)
    if weather is not None and name in {"morning", "afternoon", "evening", "day", "night"}:
        word = f"{weather.group().lower()} {part}{name}"
        sunny = WEATHER_ADJECTIVES[weather.group().lower()] == "sun"
        shade = "warm" if sunny else light if name == "night" else None
        return Circumstance(f"on a {word}", word, light=shade, silent=sunny and name == "day")
    if not name.startswith(("day", "night")) and part.strip() in {"early", "late", "mid"}:
        name = f"{part}{name}"
    name = "night" if name == "nighttime" else name
    return Circumstance(phrase.format(name), name, light=light, silent=name.startswith("day"))


def weigh_weather(text: str, name: str, *, more: bool) -> str | None:
    """The text with more or less of the weather that it tells: "in heavy fog", "a slightly foggy pier"; None where it
    tells none of this name."""
    adjectives, nouns, _ = WEATHERS[name]
    weight = "heavy" if more else "light"
    noun = re.compile(rf"\b(?:an? )?(?:{any_of(_WEIGHTS)} )?({any_of(nouns.split())})\b", re.IGNORECASE)
    weighed, count = noun.subn(rf"{weight} \g<1>", text, count=1)
    if count:
        return weighed
    how = "very" if more else "slightly"
    weighed, count = re.subn(rf"\b(?:(?:very|slightly) )?({any_of(adjectives.split())})\b", rf"{how} \g<1>", text,
                             count=1, flags=re.IGNORECASE)  # fmt: skip
    return with_article(weighed, how) if count else None


def find_weather(text: str) -> Circumstance | None:
    """The weather or the season that a few words name: "heavy rain", "foggy", "winter"."""
    words = re.findall(r"[\w-]+", text.lower())
    if not words:
        return None
    if words[-1] in _SEASONS:
        return Circumstance(f"in {words[-1]}", words[-1], "season")
    name = WEATHER_ADJECTIVES.get(words[-1]) or WEATHER_NOUNS.get(words[-1])
    if words[-1] in {"day", "weather"}:
        name = next((WEATHER_ADJECTIVES[word] for word in words if word in WEATHER_ADJECTIVES), None)
    if name is None:
        return None
    adjectives, _, phrase = WEATHERS[name]
    told = [word for word in words[:-1] if word not in {"the", "a", "an", "some", "more", *WEATHER_ADJECTIVES}]
    if told and words[-1] in WEATHER_NOUNS and phrase.startswith("in "):
        phrase = f"in {'a ' if phrase.startswith('in a ') else ''}{' '.join(told)} {words[-1]}"
    return Circumstance(phrase, name, "weather", adjectives.split(" ")[0], silent=name == "sun")
