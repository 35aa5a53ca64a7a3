"""Colour words: which of the embedded model's colours a person means."""

from __future__ import annotations

import re

import webcolors

from sartor.bridge.english.words import SHADES
from sartor.nano.vocabulary import BACKGROUND_COLOR_SYNONYMS, BACKGROUND_COLORS, COLOR_SYNONYMS, COLORS

RGB = tuple[int, int, int]
# Colour words that neither the model's tables nor CSS hold.
_MORE = {"burgundy": "maroon", "wine red": "maroon", "ochre": "mustard", "sepia": "brown", "blonde": "gold",
         "ginger": "orange", "sapphire": "blue", "peach": "orange"}  # fmt: skip
_HEX = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")


def nearest(rgb: RGB, table: dict[str, RGB]) -> str:
    """The table's closest colour by the weighted RGB distance "redmean" (T. Riemersma, compuphase.com/cmetric.htm)."""

    def distance(name: str) -> float:
        r, g, b = (float(x - y) for x, y in zip(rgb, table[name], strict=True))
        mean = (rgb[0] + table[name][0]) / 2
        return (2 + mean / 256) * r * r + 4 * g * g + (2 + (255 - mean) / 256) * b * b

    return min(table, key=distance)


def _css() -> dict[str, RGB]:
    """CSS colours whose name says a colour ("darkseagreen"), not a thing ("tomato", "snow", "peru")."""
    colors: dict[str, RGB] = {}
    for name in webcolors.names("css3"):
        base = next((color for color in ("grey", *COLORS) if name.endswith(color)), None)
        if base is None:
            continue
        value = webcolors.name_to_rgb(name)
        rgb = (value.red, value.green, value.blue)
        colors[name] = rgb
        colors[f"{name.removesuffix(base)} {base}".strip()] = rgb
    return colors


_VALUES: dict[str, RGB] = _css()
_THING_SYNONYMS = {name.replace("-", " "): color for name, color in COLOR_SYNONYMS.items()}
_BACKGROUND_SYNONYMS = {name.replace("-", " "): color for name, color in BACKGROUND_COLOR_SYNONYMS.items()}
_NAMES = {*COLORS, *_THING_SYNONYMS, *BACKGROUND_COLORS, *_BACKGROUND_SYNONYMS, *_VALUES, *_MORE}


def color_names() -> set[str]:
    """Every phrase that names a colour, shades included."""
    return _NAMES | {f"{shade} {name}" for shade in SHADES for name in _NAMES}


def thing_color(name: str) -> str:
    """The model's colour for things: "turquoise" -> "green"."""
    return _resolve(name, COLORS, _THING_SYNONYMS)


def background_color(name: str) -> str:
    """The model's colour for backgrounds, of which it knows more: "turquoise" -> "turquoise"."""
    return _resolve(name, BACKGROUND_COLORS, _BACKGROUND_SYNONYMS)


def _resolve(name: str, table: dict[str, RGB], synonyms: dict[str, str]) -> str:
    name = name.lower().replace("-", " ")
    if name in table:
        return name
    if name in synonyms:
        return synonyms[name]
    if name in _MORE:
        return _resolve(_MORE[name], table, synonyms)
    for more in (_BACKGROUND_SYNONYMS, _THING_SYNONYMS):
        if name in more and more is not synonyms:
            return _resolve(more[name], table, synonyms)
    for shade in SHADES:
        rest = name.removeprefix(shade).strip()
        if rest != name and rest in _NAMES:
            return _resolve(rest, table, synonyms)
    if name in _NAMES and (last := name.split()[-1]) in table:
        return last
    if name in _VALUES:
        return nearest(_VALUES[name], table)
    for other in (BACKGROUND_COLORS, COLORS):
        if name in other:
            return nearest(other[name], table)
    raise KeyError(name)


def replace_hex(text: str) -> str:
    """ "#f80" and the like by the closest colour's name, so that the grammar meets words only."""

    def name(match: re.Match[str]) -> str:
        value = webcolors.hex_to_rgb(match.group())
        return nearest((value.red, value.green, value.blue), BACKGROUND_COLORS)

    return _HEX.sub(name, text)
