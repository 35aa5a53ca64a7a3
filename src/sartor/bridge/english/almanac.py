"""The hours of the day, the seasons and the weather: their names, and how a text says them."""

from __future__ import annotations

from sartor.bridge.english.words import word_set

# By name: how a text says it, and the light of the hour, as in ``nano.vocabulary.LIGHTING``.
HOURS: dict[str, tuple[str, str]] = {
    name: (phrase, light)
    for light, phrase, names in (
        ("warm", "at {}", "golden hour, sunset, sunrise, dusk, dawn, twilight, nightfall, sundown, daybreak"),
        ("warm", "in the {}", "morning, afternoon, evening"),
        ("cool", "at {}", "blue hour"),
        ("even", "at {}", "noon, midday"),
        ("even", "during the {}", "day, daytime"),
        ("dim", "at {}", "night, nighttime, midnight"),
    )
    for name in names.split(", ")
}
SEASONS = word_set("winter spring summer autumn")
FESTIVALS = word_set("christmas halloween easter")
# By name: the adjectives, the nouns, and how a text says it.
WEATHERS: dict[str, tuple[str, str, str]] = {
    "rain": ("rainy raining drizzly", "rain rainfall drizzle downpour", "in the rain"),
    "fog": ("foggy", "fog", "in fog"),
    "mist": ("misty", "mist", "in mist"),
    "snow": ("snowy snowing", "snow snowfall", "in the snow"),
    "blizzard": ("", "blizzard snowstorm", "in a blizzard"),
    "storm": ("stormy", "storm thunderstorm thunder", "in a storm"),
    "hail": ("", "hail", "in hail"),
    "wind": ("windy breezy", "wind breeze", "in the wind"),
    "haze": ("hazy", "haze", "in haze"),
    "clouds": ("cloudy overcast", "clouds", "under a cloudy sky"),
    "sun": ("sunny", "sunshine sunlight", "in sunshine"),
}
WEATHER_ADJECTIVES = {word: name for name, (words, _, _) in WEATHERS.items() for word in words.split()}
WEATHER_NOUNS = {word: name for name, (_, words, _) in WEATHERS.items() for word in words.split()}
# Light that the weather or the hour stands for.
DAYLIGHT = {word: "warm" for words in WEATHERS["sun"][:2] for word in words.split()} | {
    name: HOURS[name][1] for name in ("morning", "afternoon", "day", "daytime", "noon", "midday")
}
_ALIKE = word_set("weather autumnal wintry wintery summery evening")
WEATHER_WORDS = _ALIKE | SEASONS | FESTIVALS | DAYLIGHT.keys() | WEATHER_ADJECTIVES.keys() | WEATHER_NOUNS.keys()
# What ends a phrase about when something is: "on a rainy weekend".
TIMES = HOURS.keys() | word_set("weekend am pm")
