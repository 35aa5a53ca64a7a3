"""What several pictures share: a statement holds for nearly all of them, or it is not made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sartor.captioning.base import Subject
from sartor.captioning.look import Clause, joined, medium_of, scheme_of
from sartor.captioning.palette import palette
from sartor.captioning.sight import Sight
from sartor.nano.vocabulary import LIGHT_DIRECTIONS, LIGHTING, SHADOWS, STYLE_BY_NAME

EXCEPTIONS = 0.15  # of the pictures: one of seven or more
IN_ALL = 0.94  # of the pixels that the listed colours have to make up

Told = dict[str, Any]


@dataclass
class Shared:
    """The schema's values as they come together, and for each its reason."""

    count: int
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def agreed(self, statements: Sequence[str | None]) -> tuple[str, int] | None:
        """The statement that nearly all pictures make, and how many do."""
        counted = Counter(statement for statement in statements if statement)
        if not counted:
            return None
        words, times = max(counted.items(), key=lambda entry: (entry[1], entry[0]))
        return (words, times) if self.count - times <= EXCEPTIONS * self.count else None

    def state(self, path: str, words: str, why: str) -> None:
        """Sets a field, "section.name" or "name"."""
        section, _, name = path.rpartition(".")
        target = self.values.setdefault(section, {}) if section else self.values
        target[name] = words
        self.notes.append(f'{path} is "{words}": {why}')

    def state_if_agreed(self, path: str, statements: Sequence[str | None], why: str) -> None:
        if (found := self.agreed(statements)) is not None:
            words, times = found
            self.state(path, words, f"{why} in {times} of {self.count} pictures")
        else:
            different = len(set(statements))
            self.notes.append(f"{path} is left open: {different} different ones in {self.count} pictures")


def share(
    sights: Sequence[Sight], told: Sequence[Told], *, style: str | None, subject: Subject
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The schema's values and a note a statement. `told` are the captions of the same pictures, in the same order."""
    shared = Shared(len(sights))
    shared.state_if_agreed("background_setting", [one.get("background_setting") for one in told], "measured")
    _lighting(shared, sights, told)
    composition = [one.get("aesthetics", {}).get("composition") for one in told]
    shared.state_if_agreed("aesthetics.composition", composition, "where the things stand")
    _scheme(shared, sights, told)
    depth = [one.get("photographic_characteristics", {}).get("depth_of_field") for one in told]
    if (found := shared.agreed(depth)) is not None:
        shared.state("photographic_characteristics.depth_of_field", found[0], f"in {found[1]} of {shared.count}")
    _style(shared, sights, style, subject)
    _recurring(shared, told, subject)
    order = ("objects", "background_setting", "lighting", "aesthetics", "photographic_characteristics")
    values = {name: shared.values[name] for name in (*order, "style_medium", "artistic_style") if name in shared.values}
    return values, tuple(shared.notes)


def _lighting(shared: Shared, sights: Sequence[Sight], told: Sequence[Told]) -> None:
    conditions = [one.get("lighting", {}).get("conditions") for one in told]
    if (found := shared.agreed(conditions)) is not None and found[0] in LIGHTING.values():
        shared.state("lighting.conditions", found[0], f"how bright {found[1]} of {shared.count} pictures are")
    shadow = shared.agreed([sight.shadow for sight in sights])
    if shadow is not None:
        kind, times = shadow
        shared.state("lighting.direction", LIGHT_DIRECTIONS[kind], f"follows from the shadows of {times} pictures")
        shared.state("lighting.shadows", SHADOWS[kind], f"where the background is darker, in {times} pictures")


def _scheme(shared: Shared, sights: Sequence[Sight], told: Sequence[Told]) -> None:
    """The colours of all pictures by name where they are few, else whether they are warm, cool or mixed."""
    sample = [sight.rgb.reshape(-1, 3)[:: 1 + sight.rgb.shape[0] * sight.rgb.shape[1] // 2000] for sight in sights]
    colors = tuple(swatch for swatch in palette(np.concatenate(sample)) if swatch.share >= 0.03)
    covered = sum(swatch.share for swatch in colors)
    grounds = shared.agreed([sight.ground.colors[0] if sight.ground.kind == "plain" else None for sight in sights])
    scheme = scheme_of(colors, grounds[0] if grounds else None) if covered >= IN_ALL else None
    own = shared.agreed([scheme_of(sight.colors, None) and scheme for sight in sights])
    if scheme is not None and own is not None:
        shared.state("aesthetics.color_scheme", scheme, f"these make up {covered:.0%} of all pixels")
        return
    schemes = [one.get("aesthetics", {}).get("color_scheme") for one in told]
    shared.state_if_agreed("aesthetics.color_scheme", schemes, "background and things")


def _style(shared: Shared, sights: Sequence[Sight], style: str | None, subject: Subject) -> None:
    if style is not None:
        known = STYLE_BY_NAME[style]
        shared.state("style_medium", known.style_medium, "the attribute model knows this style")
        shared.state("artistic_style", known.artistic_style, "the attribute model knows this style")
        return
    found: dict[str, Clause] = {}
    for kind in ("lines", "colors", "surface"):
        own = [sight.looks.get(kind, ("", "")) for sight in sights]
        if (agreed := shared.agreed([words for words, _ in own])) is not None:
            measure = next(why for words, why in own if words == agreed[0])
            found[kind] = agreed[0], f"in {agreed[1]} of {shared.count} pictures; in the first, {measure}"
        elif kind == "colors" and (loose := shared.agreed(["flat colors" if words else None for words, _ in own])):
            found[kind] = "flat colors", f"of different number, in {loose[1]} of {shared.count} pictures"
    if (medium := medium_of(subject.medium, found)) is not None:
        shared.state("style_medium", *medium)
    if manner := joined(found):
        shared.state("artistic_style", manner, "; ".join(why for _, why in found.values()))


def _recurring(shared: Shared, told: Sequence[Told], subject: Subject) -> None:
    """Of a character: who it is. Of other sets: what every thing has in common."""
    firsts: list[dict[str, Any]] = [next(iter(one.get("objects", [])), {}) for one in told]
    traits: dict[str, Any] = {}
    if subject.ip_type == "defined_character":
        name = shared.agreed([entry.get("description") for entry in firsts])
        words = [part for part in (subject.name, subject.description) if part]
        if words:
            traits["description"] = ", ".join(words)
            shared.notes.append(f'objects[0].description is "{traits["description"]}": the project says so')
        elif name is not None:
            traits["description"] = name[0]
            shared.notes.append(f'objects[0].description is "{name[0]}": seen in {name[1]} of {shared.count} pictures')
    listed = " on " in str(shared.values.get("aesthetics", {}).get("color_scheme"))  # and said more exactly there
    if not listed and (colors := shared.agreed([entry.get("shape_and_color") for entry in firsts])) is not None:
        traits["shape_and_color"] = colors[0]
        why = f"the colours of the thing in {colors[1]} of {shared.count} pictures"
        shared.notes.append(f'objects[0].shape_and_color is "{colors[0]}": {why}')
    if traits:
        shared.values["objects"] = [traits]
