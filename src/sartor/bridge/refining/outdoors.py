"""What an instruction says about the hour and the weather: the light and the surroundings, and never a thing."""

from __future__ import annotations

import re

from sartor.bridge.english import words
from sartor.bridge.english.almanac import DAYLIGHT, FESTIVALS, SEASONS, WEATHER_WORDS, WEATHERS
from sartor.bridge.english.grammar import Ground, Group, plain_ground
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.adjectives import describe_noun
from sartor.bridge.refining.hours import Circumstance, find_hour, find_weather, weigh_weather
from sartor.bridge.refining.recoloring import find_noun
from sartor.bridge.refining.scope import Scope

# Said with an hour, and nothing that has one.
_CLOCK = word_set("time hour clock scene setting light lighting picture image")
# Whether there is to be more of something.
_DEGREES = dict.fromkeys(("more", "heavier", "thicker", "denser", "stronger"), True) | dict.fromkeys(
    ("less", "lighter", "thinner", "weaker"), False
)
_BY = r"(?:(?:a (?:little )?bit|a little|slightly|somewhat|much) )?"
_SHADE = re.compile(
    rf"^(?:please )?(?:\w+ )?(?:the )?background(?: colou?r)? (?:should be |to be |be |is )?{_BY}"
    r"(lighter|darker|brighter|paler)$|"
    rf"^(?:please )?(?:(?:make|use|give it|have) )?(?:an? |the )?{_BY}(lighter|darker|brighter|paler) background$",
    re.IGNORECASE,
)
# Plain backgrounds from dark to light.
_SHADES = (("black", "gray", "light gray", "white"), ("navy blue", "blue", "sky blue"), ("orange", "peach"),
           ("dark green", "green", "mint green"), ("red", "pink"), ("purple", "lavender"),
           ("brown", "beige", "cream"))  # fmt: skip
_VERBS = word_set("make set change turn let be have place put move shift want show render take switch get add use give")


def follow_hour(scope: Scope, items: list[Item]) -> bool:
    """ "make it golden hour", "change the time to noon", "in the early morning"; False where things are spoken of."""
    told = [item for item in items if not _is_silent(item)]
    hours = [find_hour(item.text) for item in told if _names_hour(scope, item)]
    if not told or len(hours) < len(told) or hours[-1] is None:
        return False
    hour = hours[-1]
    ground = next((item.value for item in told if item.code == "B"), None)
    if scope.stage.setting is None and ground is not None:
        scope.set_ground(ground)
    elif scope.stage.setting is None and hour.light is None:
        return False
    else:
        scope.set_hour(hour)
    return True


def _is_silent(item: Item) -> bool:
    if item.code == "V":
        return item.lemma in _VERBS
    if item.code == "@":
        return not _CLOCK.isdisjoint(item.value.noun.split()) and find_hour(item.text.replace("of day", "")) is None
    return item.code in "vipPTWUXE"


def _names_hour(scope: Scope, item: Item) -> bool:
    if item.code == "@":
        group: Group = item.value
        return group.concept is None and _ends_on_hour(group.text) and not scope.find(group)
    if item.code == "B":
        return item.value.kind in {"night", "sunset"} and find_hour(item.text) is not None
    return item.code == "I" and isinstance(item.value, str) and _ends_on_hour(item.text)


def _ends_on_hour(text: str) -> bool:
    last = text.rsplit(" ", 1)[-1]
    return find_hour(text if last == "hour" else last) is not None


def follow_weather(scope: Scope, item: Item, *, add: bool = False) -> bool:
    """ "make it winter", "a sunny day", "let it rain": the background or the light, else the context.

    add: beside the weather that is told.
    """
    if not is_weather(item):
        return False
    text = item.value.text if item.code == "@" else item.text.lower()
    told = text.split()
    light = next((DAYLIGHT[word] for word in told if word in DAYLIGHT), None)
    gloomy = any(word in WEATHER_WORDS and word not in DAYLIGHT for word in told)
    kind = next((words.SETTINGS[word][0] for word in told if word in words.SETTINGS), None)
    weather = find_weather(text)
    degree = next((_DEGREES[word] for word in scope.spoken([item]).lower().split() if word in _DEGREES), None)
    if weather is not None and weather.kind == "weather" and degree is not None:
        if _weighed(scope, weather.word, more=degree):
            return True
        if not degree:
            scope.note(f"there is no {weather.word} in the scene")
            return True
    if light is not None and not gloomy:
        scope.whole(Item("I", light, text), remove=False)
        if weather is not None:
            scope.amend(weather)
    elif scope.stage.setting is not None:
        scope.amend(weather or Circumstance(text, text, "other"), add=add)
    elif kind is not None:
        scope.set_ground(Ground(kind))
    else:
        scope.loose.append(text)
    return True


def _weighed(scope: Scope, name: str, *, more: bool) -> bool:
    """More or less of the weather, where the surroundings or the summary tell it."""
    stage = scope.stage
    setting = weigh_weather(stage.setting or "", name, more=more)
    if setting is None and weigh_weather(str(stage.values.get("short_description", "")), name, more=more) is None:
        return False
    if setting is not None:
        stage.setting = scope.asked[("background_setting",)] = setting
    for word in [word for told in WEATHERS[name][:2] for word in told.split()]:
        stage.edits.append((word, lambda text: weigh_weather(text, name, more=more) or text))
    return True


def is_weather(item: Item) -> bool:
    """Whether the item is the weather or a season; not "a snowy mountain"."""
    if item.code == "@":
        group: Group = item.value
        known = group.concept is None and not group.definite
        return (known and group.noun.rsplit(" ", 1)[-1] in WEATHER_WORDS) or group.noun in SEASONS | FESTIVALS
    return item.code in "AMVN" and (item.text.lower() in WEATHER_WORDS or item.lemma in WEATHER_WORDS)


def _shaded(scope: Scope, shade: str) -> bool:
    """ "make the background a bit lighter": its colour, where one lighter is known, and else the light."""
    stage = scope.stage
    if stage.setting is not None:
        noun = next((noun for noun in ("background", "backdrop", "wall") if find_noun(stage.setting, noun)), None)
        tones = f"{stage.setting.rstrip('. ')}, in {shade} tones"
        stage.setting = describe_noun(stage.setting, noun, shade) if noun else tones
        scope.asked[("background_setting",)] = stage.setting
        scope.note(f'in your words in background_setting: "{shade}"')
        return True
    colors = stage.background.colors
    steps = next((steps for steps in _SHADES if len(colors) == 1 and colors[0] in steps), None)
    if steps is None or stage.background.kind != "plain":
        return scope.whole(Item("I", "dim" if shade == "darker" else "even", shade), remove=False)
    at = steps.index(colors[0]) + (-1 if shade == "darker" else 1)
    if not 0 <= at < len(steps):
        scope.note(f"no {shade} {colors[0]} is known")
    else:
        scope.set_ground(Ground("plain", (steps[at],)))
    return True


def follow_background(scope: Scope, items: list[Item]) -> bool:
    """ "change the background to a snowy mountain": all that follows, in the person's words."""
    if shade := _SHADE.search(scope.clause(items)):
        return _shaded(scope, (shade.group(1) or shade.group(2)).lower())
    at = next((index for index, item in enumerate(items) if item.code == "G"), None)
    if at is None or any(item.code not in "Vv" for item in items[:at]):
        return False
    rest = items[at + 1 :]
    while rest and rest[0].code in "TWPvV":
        rest = rest[1:]
    if len(rest) == 1 and rest[0].text.lower() == "transparent":
        scope.set_ground(plain_ground("transparent"))
        return True
    hours = [item for item in rest if item.code == "B" and item.value.kind in {"night", "sunset"}]
    place = rest[: rest.index(hours[0])] if hours else rest
    if not place or place[0].code != "@" or any(item.code in "Bn" for item in place):
        return False
    scope.set_ground(Ground("free", text=re.sub(r"^(?:an?|the) ", "", scope.spoken(place), flags=re.IGNORECASE)))
    for item in hours:
        scope.whole(item, remove=False)
    return True
