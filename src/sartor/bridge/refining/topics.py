"""What an instruction says about light, camera and colours: fields of the whole, and never of a thing."""

from __future__ import annotations

import re

from sartor.bridge.english import words
from sartor.bridge.english.grammar import Group
from sartor.bridge.english.tagging import Item, words_of
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.outdoors import follow_weather, is_weather
from sartor.bridge.refining.scope import Path, Scope
from sartor.nano.vocabulary import LIGHT_DIRECTIONS

_CONDITIONS, _DIRECTION = ("lighting", "conditions"), ("lighting", "direction")
_COLOR_SCHEME, _MANNER = ("aesthetics", "color_scheme"), ("artistic_style",)
_ANGLE, _LENS = ("photographic_characteristics", "camera_angle"), ("photographic_characteristics", "lens_focal_length")
# The field of what a noun stands for; None where there is none.
_FIELDS: dict[str, Path | None] = {
    noun: path
    for path, nouns in (
        (_CONDITIONS, "light, lighting, illumination, sunlight, light source, key light, daylight"),
        (("lighting", "shadows"), "shadow, shading"),
        (_ANGLE, "camera, camera angle, camera position, viewing angle, angle, viewpoint, perspective, point of view"),
        (_LENS, "lens, focal length, camera lens"),
        (("photographic_characteristics", "focus"), "focus"),
        (("photographic_characteristics", "depth_of_field"), "depth of field"),
        (("aesthetics", "composition"), "composition, layout, framing"),
        (_COLOR_SCHEME, "palette, color palette, colour palette, color scheme, colour scheme, tone, color tone, hue"),
        (None, "contrast, saturation, brightness, exposure, sharpness, grain, film grain, vibrance, vibrancy, noise, "
               "color temperature, white balance, resolution, quality, image quality, vignette, aperture, detail, "
               "aspect ratio, iso, lens flare, flare, glare, motion blur, light leak, double exposure"),
    )
    for noun in nouns.split(", ")
}  # fmt: skip
_CAMERA_VERBS = frozenset({"crop", "shoot", "photograph", "film", "expose", "frame"})
_MILLIMETERS = re.compile(r"\d+ ?mm")
_STYLE_NOUNS = frozenset({"style", "look", "aesthetic", "design"})
_SHADES = word_set(
    "pastel muted vibrant vivid bright saturated desaturated earthy earth neutral neon warm warmer cool cooler cold "
    "soft bold monochrome monochromatic jewel dark light sepia natural rich pale"
)
_SHADES_OF = re.compile(r"\b(?:shades|hues|tones|tints) of [\w -]+(?: and [\w -]+)?", re.IGNORECASE)
_AS_IT_IS = frozenset({"same", "but"})
_PARTICIPLES = frozenset({"mute", "saturate", "desaturate", "subdue", "fade"})
_SOURCES = {"left": "left", "right": "right", "above": "above", "top": "above", "overhead": "above", "front": "front",
            "behind": "behind", "back": "behind", "below": "below", "underneath": "below"}  # fmt: skip


def follow_topic(scope: Scope, items: list[Item]) -> bool:
    """Sets what a clause about the whole asks for, in the person's words; False where it is about things."""
    if shades := _SHADES_OF.search(scope.clause(items)):
        scope.asked[_COLOR_SCHEME] = shades.group().lower()
        scope.note(f'in your words in aesthetics.color_scheme: "{shades.group().lower()}"')
        return True
    if _is_monochrome(items, composed=scope.stage.composed):
        told = [item for item in items if item.code != "i" and item.text.lower() not in _AS_IT_IS]
        scope.asked[_COLOR_SCHEME] = _spoken_value(told)
        return True
    index = next((i for i, item in enumerate(items) if _is_topic(scope, items, i)), None)
    if index is None:
        return False
    item, told = items[index], items[index + 1 :]
    if item.code == "@" and any(other.code == "@" and scope.find(other.value) for other in told):
        return False  # "the light on the house": there is a thing to speak of
    path = _field(item)
    if path == _COLOR_SCHEME and (shade := _shade(scope, items, item)):
        scope.asked[path] = shade
        scope.note(f'in your words in {".".join(path)}: "{shade}"')
        return True
    if path == _CONDITIONS and (source := _source(told)):
        _light_from(scope, source)
        return True
    known = [scope.whole(other, remove=False) for other in items if other is not item and other.code in "BIHbYc"]
    weather = next((other for other in told if is_weather(other)), None)
    moods = [other.value for other in told if other.code == "M"]
    if any(known):
        if item.code == "p" and moods:
            scope.asked[("aesthetics", "mood_atmosphere")] = moods[0]
        return True
    if weather is not None:
        follow_weather(scope, weather)
    elif path is not None and (text := _value(scope, item, items[:index], told)):
        scope.asked[path] = text
        scope.note(f'in your words in {".".join(path)}: "{text}"')
    elif item.code == "p" and moods:
        scope.asked[("aesthetics", "mood_atmosphere")] = moods[0]
    else:
        scope.loose.append(scope.spoken(items))
    return True


def _is_topic(scope: Scope, items: list[Item], index: int) -> bool:
    item, following = items[index], "".join(other.code for other in items[index + 1 : index + 2])
    if item.code in "IM":
        return _is_tone(item)
    if item.code == "@":
        group: Group = item.value
        added = any(other.code == "V" and other.lemma in {"add", "draw", "put", "insert"} for other in items[:index])
        # "add a palette" adds a painter's; any other is the picture's
        palette = group.noun.endswith("palette") and not (added and group.noun == "palette")
        thing = group.concept is not None and not group.definite and " " not in group.noun and not palette
        return _field_of(group) is not None and not thing and not scope.find(group)
    if item.code == "V":
        return item.lemma in _CAMERA_VERBS
    if item.code == "H":
        before = items[index - 1].text.lower() if index and items[index - 1].code == "A" else ""
        return _is_bare_shadow(item) and (following in {"A", "C"} or before.endswith("er"))
    if item.code not in "pY" or any(other.code in "@iT" for other in items[:index]):
        return False
    if item.code == "p":
        return following != "i"  # "render it as ..."
    # "the photo" right after a verb, for "as a photo" is a style.
    speaks = following in set("TCAIMLzHb")
    return item.code == "Y" and index > 0 and item.text.lower() in words.PICTURE_MEDIA and speaks


def _field_of(group: Group) -> tuple[Path | None] | None:
    """The noun's field, in a tuple; None for any other noun."""
    noun = group.noun
    if group.plural and noun in {"color", "colour"}:
        return (_COLOR_SCHEME,)
    if _MILLIMETERS.search(group.text) or noun.endswith(" lens"):
        return (_LENS,)
    return (_FIELDS[noun],) if noun in _FIELDS else None


def _field(item: Item) -> Path | None:
    if item.code == "@":
        found = _field_of(item.value)
        return found[0] if found else None
    noun = item.text.lower().rsplit(" ", 1)[-1]
    if item.code == "V":
        return None
    if item.code in "IM":
        return _COLOR_SCHEME
    if item.code == "H":
        return ("lighting", "shadows")
    return _MANNER if noun in _STYLE_NOUNS else _FIELDS.get(noun, _COLOR_SCHEME)


def _is_monochrome(items: list[Item], *, composed: bool) -> bool:
    """ "in black and white", "sepia", with nothing that it is said of: a look, and no thing's colours.

    composed: "make it black and white" is said of the thing.
    """
    colors = {item.value for item in items if item.code == "C"}
    if all(item.code in "VvPTi@A" and (item.code not in "@A" or _is_gray(item)) for item in items):
        return any(item.code in "@A" for item in items)
    items = [item for item in items if item.code != "p" and item.text.lower() not in _AS_IT_IS]
    alone = bool(items) and all(item.code in "CUPX" or (item.code in "ViT" and not composed) for item in items)
    whole = all(item.code != "i" or item.text.lower() in {"it", "everything"} for item in items)
    return alone and whole and (colors == {"black", "white"} or colors == {"sepia"})


def _is_gray(item: Item) -> bool:
    return item.text.lower().removeprefix("a ") in {"monochrome", "monochromatic", "grayscale", "greyscale"}


def _is_tone(item: Item) -> bool:
    """ "warm tones", "pastel tones": colours, though a tone may be a mood and a glow."""
    first, _, last = item.text.lower().rpartition(" ")
    return last in {"tone", "tones"} and (item.code == "I" or any(word in _SHADES for word in first.split()))


def _shade(scope: Scope, items: list[Item], item: Item) -> str | None:
    """ "warmer palette", "make the colors more muted", "use warm tones": the colours as a whole."""
    if item.code in "IM":
        return re.sub(r"^(?:with|in|to) ", "", item.text.lower())
    group: Group = item.value
    if any(other.code not in "VvIAMaPT@" or (other.code == "@" and other is not item) for other in items):
        return None
    told = [other for other in items if other.code in "IAM" or (other.code == "V" and other.lemma in _PARTICIPLES)]
    if len(told) != 1 or group.adjectives or " " in told[0].text.strip():
        return None
    spoken = scope.spoken(told).lower()
    degree = spoken if spoken.startswith("less ") else told[0].text.lower()
    return f"{degree} {group.noun if not group.plural else group.text.rsplit(' ', 1)[-1]}"


def _is_bare_shadow(item: Item) -> bool:
    return item.text.lower().rsplit(" ", 1)[-1] in {"shadow", "shadows"} and len(item.text.split()) <= 2


def _source(told: list[Item]) -> str | None:
    spoken = " ".join(item.text.lower() for item in told).split()
    return next((_SOURCES[word] for word in spoken if word in _SOURCES), None)


def _light_from(scope: Scope, source: str) -> None:
    phrase = f"from {source}" if source in {"above", "behind", "below"} else f"from the {source}"
    shadow = next((shadow for shadow, told in LIGHT_DIRECTIONS.items() if told == phrase), None)
    if shadow is not None:
        scope.stage.shadow = shadow
    else:
        scope.note(f'light in your words, unknown to the embedded model: "{phrase}"')
    scope.asked[_DIRECTION] = phrase


def _value(scope: Scope, item: Item, lead: list[Item], told: list[Item]) -> str | None:
    """What is said of a topic: the words after it, else those before its noun."""
    if item.code == "H" and not told:
        return scope.spoken([*lead, item]).lower()
    text, codes = _spoken_value(told), {other.code for other in told if other.code not in "VvPTWXE"}
    noun = item.value.text.rsplit(" ", 1)[-1] if item.code == "@" else item.text.lower().rsplit(" ", 1)[-1]
    if item.code == "@" and not text:
        group: Group = item.value
        return group.text if " " in group.text or _MILLIMETERS.fullmatch(group.text) else None
    if item.code in "pY" and noun not in _FIELDS:
        # Of the picture as a whole only colours and a manner have a field.
        fits = (codes and codes <= {"C", "U"}) or (noun in _STYLE_NOUNS and codes <= {"A", "M", "U"})
        return text if fits else None
    return f"{text} {noun}" if text and codes <= set("AMCU") and noun != "camera" else text or None


def _spoken_value(told: list[Item]) -> str:
    return words_of([other for other in told if other.code not in "VvPTWXE"]).lower()
