"""The words of the embedded model's world besides the things (`concepts.py`): styles, colours, places, scenery, light.

The composer (`scene.py`) draws from these tables and `captions.py` writes them into structured prompts, so every word
here has a visible, true effect in the training pictures. The offline bridge reads the same tables, so that a person's
sentence ends up in the wording that the model has learned.
"""

from __future__ import annotations

from typing import NamedTuple


class Style(NamedTuple):
    """A house style of the training data, and how a structured prompt names it. ``one_color``: drawn in one, any."""

    name: str
    style_medium: str
    artistic_style: str
    synonyms: tuple[str, ...]
    one_color: bool = False


STYLES: tuple[Style, ...] = (
    Style("soft3d", "3D render", "soft, glossy, rounded", ("3d", "3d render", "clay render", "3d icon", "glossy 3d")),
    Style(
        "flat",
        "flat vector illustration",
        "flat, bold, geometric",
        ("flat", "flat icon", "flat vector", "flat design", "vector", "vector art"),
    ),
    Style(
        "cartoon",
        "cartoon illustration",
        "shaded, lively, detailed",
        ("cartoon", "comic", "shaded cartoon", "clip art", "emoji"),
    ),
    Style(
        "lineart",
        "line icon",
        "thin outlines of one width, no fill",
        ("line art", "line drawing", "outline icon", "outline drawing", "line illustration", "outlined icon"),
        one_color=True,
    ),
    Style(
        "glyph",
        "glyph icon",
        "solid silhouette, one color",
        ("silhouette", "solid icon", "pictogram"),
        one_color=True,
    ),
    Style(
        "pixelart",
        "pixel art",
        "large square pixels, few colors",
        (
            "pixelated",
            "pixel illustration",
            "8-bit",
            "8 bit",
            "16-bit",
            "16 bit",
            "8-bit game sprite",
            "retro pixel art",
        ),
    ),
)
PIXEL_ART = "pixelart"
# In the order in which they came, each sorted by name: which things a style lacks follows from its place, see
# `scene.held_out`. New ones are appended.
FIRST_STYLES = ("cartoon", "flat", "soft3d")
LATER_STYLES = ("glyph", "lineart", PIXEL_ART)
STYLE_BY_NAME: dict[str, Style] = {style.name: style for style in STYLES}
ONE_COLOR_STYLES = frozenset(style.name for style in STYLES if style.one_color)

# sRGB values; the composer varies each a little, and a measured colour is named by its nearest entry in CIELAB.
COLORS: dict[str, tuple[int, int, int]] = {
    "red": (222, 45, 52),
    "orange": (245, 135, 35),
    "yellow": (250, 210, 50),
    "green": (70, 170, 75),
    "blue": (50, 115, 220),
    "purple": (130, 80, 190),
    "pink": (240, 130, 175),
    "brown": (135, 85, 55),
    "black": (40, 40, 45),
    "white": (248, 248, 248),
    "gray": (150, 152, 156),
}
BACKGROUND_COLORS: dict[str, tuple[int, int, int]] = {
    "white": (252, 252, 252),
    "light gray": (222, 224, 228),
    "gray": (150, 152, 156),
    "black": (28, 28, 32),
    "navy blue": (28, 40, 84),
    "sky blue": (135, 196, 240),
    "blue": (58, 118, 214),
    "turquoise": (72, 198, 192),
    "mint green": (190, 232, 205),
    "green": (88, 176, 92),
    "dark green": (30, 82, 58),
    "yellow": (252, 216, 74),
    "cream": (250, 240, 214),
    "beige": (228, 206, 172),
    "orange": (246, 150, 62),
    "peach": (252, 206, 178),
    "red": (214, 58, 62),
    "pink": (248, 180, 202),
    "lavender": (208, 192, 240),
    "purple": (122, 82, 178),
    "brown": (128, 88, 62),
}
COLOR_SYNONYMS: dict[str, str] = {
    "crimson": "red", "scarlet": "red", "ruby": "red", "maroon": "red", "vermilion": "red", "cherry": "red",
    "amber": "orange", "tangerine": "orange", "coral": "orange", "copper": "orange", "rust": "orange",
    "gold": "yellow", "golden": "yellow", "lemon": "yellow", "mustard": "yellow", "blond": "yellow",
    "lime": "green", "emerald": "green", "olive": "green", "jade": "green", "forest green": "green",
    "mint": "green", "light green": "green", "dark green": "green", "turquoise": "green", "teal": "green",
    "azure": "blue", "navy": "blue", "navy blue": "blue", "cobalt": "blue", "cyan": "blue", "sky blue": "blue",
    "light blue": "blue", "dark blue": "blue", "indigo": "blue",
    "violet": "purple", "lilac": "purple", "lavender": "purple", "plum": "purple", "mauve": "purple",
    "magenta": "pink", "rose": "pink", "fuchsia": "pink", "salmon": "pink", "hot pink": "pink",
    "chocolate": "brown", "tan": "brown", "beige": "brown", "bronze": "brown", "caramel": "brown", "chestnut": "brown",
    "ebony": "black", "jet black": "black", "charcoal": "black",
    "ivory": "white", "snow white": "white", "cream": "white",
    "grey": "gray", "silver": "gray", "ash": "gray", "slate": "gray", "light gray": "gray", "dark gray": "gray",
}  # fmt: skip
BACKGROUND_COLOR_SYNONYMS: dict[str, str] = {
    "grey": "gray", "light grey": "light gray", "silver": "light gray", "pale gray": "light gray",
    "navy": "navy blue", "dark blue": "navy blue", "midnight blue": "navy blue", "indigo": "navy blue",
    "light blue": "sky blue", "pale blue": "sky blue", "azure": "sky blue", "baby blue": "sky blue",
    "cobalt": "blue", "teal": "turquoise", "cyan": "turquoise", "aqua": "turquoise",
    "mint": "mint green", "light green": "mint green", "pale green": "mint green",
    "lime": "green", "emerald": "green", "forest green": "dark green", "olive": "dark green",
    "gold": "yellow", "golden": "yellow", "mustard": "yellow", "pale yellow": "cream", "ivory": "cream",
    "tan": "beige", "sand": "beige", "khaki": "beige", "amber": "orange", "coral": "peach", "salmon": "peach",
    "crimson": "red", "scarlet": "red", "maroon": "red", "light pink": "pink", "pale pink": "pink", "rose": "pink",
    "magenta": "pink", "lilac": "lavender", "light purple": "lavender", "mauve": "lavender", "violet": "purple",
    "plum": "purple", "dark purple": "purple", "chocolate": "brown", "charcoal": "black", "off-white": "white",
}  # fmt: skip


class Place(NamedTuple):
    """Where a thing stands: the centre's position as fractions of the canvas, from the left and from the top."""

    x: float
    y: float


PLACES: dict[str, Place] = {
    "top left": Place(0.27, 0.27),
    "top center": Place(0.5, 0.27),
    "top right": Place(0.73, 0.27),
    "center left": Place(0.27, 0.5),
    "center": Place(0.5, 0.5),
    "center right": Place(0.73, 0.5),
    "bottom left": Place(0.27, 0.73),
    "bottom center": Place(0.5, 0.73),
    "bottom right": Place(0.73, 0.73),
}
# The longer side of a thing as a fraction of the canvas: (smallest, largest).
SIZES: dict[str, tuple[float, float]] = {"small": (0.28, 0.34), "medium": (0.42, 0.50), "large": (0.62, 0.74)}
# Degrees anticlockwise.
ORIENTATIONS: dict[str, float] = {
    "upright": 0.0,
    "tilted to the left": 24.0,
    "tilted to the right": -24.0,
    "upside down": 180.0,
}
MIRRORED = "facing right"  # only for concepts that face left in every style
UNMIRRORED = "facing left"

# Backgrounds with a ground and a sky; plain colours and gradients are phrased by `captions.py`.
LANDSCAPES: dict[str, str] = {
    "meadow": "green meadow under a blue sky",
    "beach": "sandy beach with the sea behind",
    "snow": "snowy field under a pale sky",
    "sea": "open blue sea under a clear sky",
    "night": "dark night sky with stars",
    "sunset": "orange sunset sky over dark hills",
    "desert": "yellow desert dunes under a warm sky",
    "table": "wooden table against a plain wall",
}
LIGHTING: dict[str, str] = {
    "even": "bright even light",
    "warm": "warm golden light",
    "cool": "cool bluish light",
    "dim": "dim light",
}
SHADOWS: dict[str, str] = {
    "none": "no shadow",
    "soft": "soft shadow below",
    "left": "hard shadow to the left",
    "right": "hard shadow to the right",
}
LIGHT_DIRECTIONS: dict[str, str] = {
    "none": "from the front",
    "soft": "from above",
    "left": "from the right",
    "right": "from the left",
}
NUMBERS: tuple[str, ...] = ("zero", "one", "two", "three", "four", "five")
