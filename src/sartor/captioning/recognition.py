"""Names for the things that were measured; where a name fits several parts together better, they are one thing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from sartor.captioning.naming import OTHER, SURE, Guess, Namer
from sartor.captioning.sight import Sight
from sartor.captioning.subject import Part, find_parts, part_of
from sartor.nano.vocabulary import PIXEL_ART

FINER = (2, 3, 5)  # pixels by which a thing is shrunk to see whether it is two that touch
FEW = 4  # parts of which every two are tried as one
STYLE_SURE = 0.45  # from which a style is called by its name,
UNKNOWN = 0.35  # unless another style, one without a name, is as likely as this
DOUBTED = 0.5  # what is left of a flat style's probability where shading was measured, and the other way round


@dataclass(frozen=True)
class Named:
    """A thing of the picture, its name as far as it is known, how sure that is (0..1), and each style's probability."""

    part: Part
    concept: str | None = None
    sureness: float = 0.0
    styles: tuple[tuple[str, float], ...] = ()


def recognise(namer: Namer, picture: Image.Image, sight: Sight) -> tuple[Sight, list[Named]]:
    """The sight, its parts split or joined where names say so, and a Named for each part in the same order."""
    named = [_named(namer.guess(picture, part), part) for part in sight.parts]
    if 1 < len(named) <= FEW:
        named = _joined(namer, picture, named)
    named = [one for each in named for one in _split(namer, picture, each)]
    return replace(sight, parts=tuple(one.part for one in named)), named


def styles_of(sight: Sight, named: Sequence[Named]) -> dict[str, float]:
    """The probability of each style: what the things have on average, held against the measured shading. Pixel art is
    measured, not guessed."""
    if sight.pixel_art:
        return {PIXEL_ART: 1.0}
    totals: dict[str, float] = {}
    for one in named:
        for style, share in one.styles:
            totals[style] = totals.get(style, 0.0) + share / len(named)
    words = " ".join(text for text, _ in sight.looks.values())
    for style, contrary in (("flat", "shading"), ("soft3d", "flat color")):
        if style in totals and contrary in words:
            totals[style] *= DOUBTED
    whole = sum(totals.values())
    return {style: share / whole for style, share in totals.items()}


def certain_style(pictures: Sequence[dict[str, float]]) -> str | None:
    """The style that pictures have on average, a key of the vocabulary's; None for one without a name."""
    seen = [one for one in pictures if one]
    if not seen:
        return None
    mean: dict[str, float] = {OTHER: 0.0}
    for style, share in itertools.chain.from_iterable(one.items() for one in seen):
        mean[style] = mean.get(style, 0.0) + share / len(seen)
    style = max(mean, key=lambda name: mean[name])
    return style if style != OTHER and mean[style] >= STYLE_SURE and mean[OTHER] < UNKNOWN else None


def _named(guess: Guess, part: Part) -> Named:
    concept, sureness = guess.thing
    return Named(
        part,
        concept if concept != OTHER and sureness >= SURE else None,
        sureness,
        tuple(sorted(guess.styles.items())),
    )


def _joined(namer: Namer, picture: Image.Image, named: list[Named]) -> list[Named]:
    """Parts that have a name together, and a surer one than alone, made one thing; again and again."""
    best: tuple[float, int, int, Named] | None = None
    for one, other in itertools.combinations(range(len(named)), 2):
        part = part_of(named[one].part.mask | named[other].part.mask)
        both = _named(namer.guess(picture, part), part)
        alone = max((each.sureness for each in (named[one], named[other]) if each.concept), default=0.0)
        if both.concept and both.sureness > alone and (best is None or both.sureness > best[0]):
            best = both.sureness, one, other, both
    if best is None:
        return named
    _, one, other, both = best
    rest = [each for index, each in enumerate(named) if index not in (one, other)]
    return _joined(namer, picture, [both, *rest])


def _split(namer: Namer, picture: Image.Image, whole: Named) -> list[Named]:
    """A thing without a name that falls apart into things with names, as those; else as it is."""
    if whole.concept is not None:
        return [whole]
    for thin in FINER:
        parts = find_parts(whole.part.mask, thin=thin)
        if 1 < len(parts) <= FEW:
            named = [_named(namer.guess(picture, part), part) for part in parts]
            if all(one.concept for one in named):
                return named
    return [whole]
