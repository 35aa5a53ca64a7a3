"""Everything that is measured of one picture, together: what captions and visual schemas are written from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from sartor.captioning.ground import Ground, read_ground
from sartor.captioning.line import Drawing, read_drawing, whole_pixels
from sartor.captioning.look import Clause, clauses
from sartor.captioning.palette import Swatch, nearest_name, palette, unmixed
from sartor.captioning.pixels import Array, reduced, to_oklab
from sartor.captioning.squares import is_pixel_art
from sartor.captioning.subject import Part, find_parts
from sartor.nano.colors import name_colors
from sartor.nano.vocabulary import BACKGROUND_COLORS

SMALLEST = 16  # pixels a side: of less nothing can be said
DIM = 158  # of 255: where not even the brightest pixels are brighter, the light is dim
TINTED = 0.04  # Oklab distance from gray: a dark colour of more is not called black
SHARE = 0.025  # of a picture's pixels: rarer colours are left out


@dataclass(frozen=True)
class Sight:
    """`colors` are the whole picture's, `looks` the clauses of how it is drawn; `brightest` is 0..255, `pixel_art`
    whether all is in even squares."""

    rgb: Array
    ground: Ground
    parts: tuple[Part, ...]
    drawing: Drawing | None
    colors: tuple[Swatch, ...]
    looks: dict[str, Clause]
    brightest: float
    pixel_art: bool

    @property
    def dim(self) -> bool:
        return self.brightest < DIM and self.ground.kind != "plain"

    @property
    def shadow(self) -> str | None:
        """A key of the vocabulary's SHADOWS; None where it cannot be told: before a scene, or in no known direction."""
        if not self.ground.shadow.any():
            return "none" if self.ground.kind != "scene" or self.ground.scenery else None
        if not self.parts:
            return None
        things = np.any([part.mask for part in self.parts], axis=0)
        y, x = (axis.mean() for axis in np.nonzero(self.ground.shadow))
        rows, columns = np.flatnonzero(things.any(1)), np.flatnonzero(things.any(0))
        middle, width = (columns[0] + columns[-1]) / 2, columns[-1] - columns[0] + 1
        aside = (x - middle) / width
        if abs(aside) < 0.15:
            return "soft" if y > (rows[0] + 2 * rows[-1]) / 3 else None
        return "left" if aside < 0 else "right"

    def colors_of(self, part: Part) -> tuple[str, ...]:
        """The named colours of a thing, dominant first, by the rule that the composer's captions follow."""
        lab = to_oklab(self.rgb)
        shown = part.mask & self.ground.differing
        whole = shown & whole_pixels(lab)
        opaque = next((mask for mask in (whole, shown) if mask.sum() > 20), part.mask)
        names = name_colors(np.dstack([self.rgb, (opaque * 255).astype(np.uint8)]))
        if names[:1] == ("black",):
            dark = (
                np.median(self.rgb[opaque & (lab[..., 0] < 0.5)], axis=0) if (lab[opaque][:, 0] < 0.5).any() else None
            )
            if dark is not None and np.linalg.norm(to_oklab(dark)[1:]) > TINTED:
                return nearest_name(dark, BACKGROUND_COLORS), *names[1:]
        return names


def look_at(picture: Image.Image) -> Sight:
    """Measures an RGB picture. Raises ValueError for one of a few pixels."""
    if min(picture.size) < SMALLEST:
        raise ValueError(f"the picture is smaller than {SMALLEST} pixels")
    rgb = reduced(picture)
    if min(rgb.shape[:2]) < SMALLEST:
        raise ValueError("the picture is a strip: its longer side is more than eight times the shorter one")
    ground = read_ground(rgb)
    drawing = read_drawing(rgb, ground.things, ground.differing)
    shown = rgb[whole_pixels(to_oklab(rgb)) & ~ground.shadow]
    colors = unmixed(tuple(swatch for swatch in palette(shown) if swatch.share >= SHARE))
    return Sight(
        rgb=rgb,
        ground=ground,
        parts=find_parts(ground.things),
        drawing=drawing,
        colors=colors,
        looks=clauses(drawing, colors) if drawing is not None else {},
        brightest=float(np.percentile(rgb.max(-1), 99)),
        pixel_art=is_pixel_art(picture),
    )
