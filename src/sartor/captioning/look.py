"""Words for how a picture is drawn: lines, colours, shading; a clause each, with the measure that it rests on."""

from __future__ import annotations

from collections.abc import Mapping

from sartor.captioning.line import Drawing
from sartor.captioning.palette import Swatch
from sartor.nano.vocabulary import NUMBERS

BOLD = 0.022  # of the picture's side: outlines of at least that width
FEW = 2  # colours that are counted: of more, a rare one is easily missed
WHOLE = 0.985  # of the pixels that the counted colours have to make up
FLAT = 0.95  # of the pixels between edges that have exactly one of few colours
STILL = 0.45  # of them whose colour may change slowly all the same
SMOOTH = 0.5  # of them whose colour changes slowly, where there is shading
MOST = 3  # colours that a colour scheme lists
GRAINY = 0.3  # of them that differ from their neighbours at random

Clause = tuple[str, str]  # the words, and the measure


def clauses(drawing: Drawing, colors: tuple[Swatch, ...]) -> dict[str, Clause]:
    """At most one clause for "lines", "colors" and "surface"; `colors` are those of the whole picture."""
    found: dict[str, Clause] = {}
    flat = drawing.flat >= FLAT and drawing.shaded < STILL
    if drawing.lines:
        words = f"{_ink(colors)} line drawing without fill"
        found["lines"] = words, f"lines cover {drawing.lines:.0%} of what they enclose, and the rest is background"
    elif drawing.ink is not None:
        weight = "bold" if drawing.weight >= BOLD else "thin"
        measure = f"{drawing.outline:.0%} of the rim is darker, {drawing.weight:.1%} of the side wide"
        found["lines"] = f"{weight} {_dark(drawing.ink)} outlines", measure
    else:
        found["lines"] = "no outlines", "the rim has the colours of the inside"
    if flat and len(colors) <= FEW and sum(swatch.share for swatch in colors) >= WHOLE:
        number = NUMBERS[len(colors)]
        words = f"{number} flat color" + ("s" if len(colors) > 1 else "")
        found["colors"] = words, f"{drawing.flat:.0%} of the pixels between edges have one of {len(colors)} colours"
    elif flat:
        found["colors"] = "flat colors", f"{drawing.flat:.0%} of the pixels between edges have exactly one of few"
    if drawing.grain >= GRAINY:
        found["surface"] = "grainy texture", f"{drawing.grain:.0%} of neighbouring pixels differ at random"
    elif not flat and drawing.shaded >= SMOOTH:
        found["surface"] = "smooth shading", f"the colour of {drawing.shaded:.0%} of the pixels changes slowly"
    return found


def joined(found: Mapping[str, Clause]) -> str:
    """The clauses as `artistic_style` reads. That there are no outlines is only said beside something else."""
    words = [text for text, _ in found.values()]
    return ", ".join(words) if words != ["no outlines"] else ""


def medium_of(subject_medium: str, found: Mapping[str, Clause]) -> tuple[str, str] | None:
    """`style_medium` of a style without a name, and why: what the project says, refined by what was measured."""
    words = " ".join(text for text, _ in found.values())
    if subject_medium == "photography":
        return "photograph", "the project's medium"
    if "line drawing" in words:
        return "line drawing", found["lines"][1]
    if "flat color" in words:
        return "flat illustration", found["colors"][1]
    if subject_medium == "illustration":
        return "illustration", "the project's medium"
    return (subject_medium, "the project's medium") if subject_medium else None


def scheme_of(colors: tuple[Swatch, ...], ground: str | None) -> str | None:
    """`color_scheme` of a picture with so few colours that they can be listed: "navy blue on cream"."""
    names = list(dict.fromkeys(swatch.ground_name for swatch in colors))
    if not names or len(names) > MOST:
        return None
    rest = [name for name in names if name != ground]
    if ground is not None and rest and len(rest) < len(names):
        return f"{' and '.join(rest)} on {ground}"
    return " and ".join(names)


def _dark(ink: Swatch) -> str:
    name = ink.ground_name
    return "dark" if name in {"black", "gray"} else name if name.startswith(("dark", "navy")) else f"dark {name}"


def _ink(colors: tuple[Swatch, ...]) -> str:
    return min(colors, key=lambda swatch: sum(swatch.rgb)).ground_name if colors else "black"
