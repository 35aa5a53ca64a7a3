"""The bundled brands as data: whose drawings, what they show, on which ground, and how they describe themselves.

Three kinds: a set of objects, a family of characters, a set of icons. The base never saw any of their drawings. Each
brand's pictures show some of the vocabulary's things; the others, in its look, are what it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sartor.nano.icon_names import icons
from sartor.nano.vocabulary import BACKGROUND_COLORS

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Look:
    """One brand. ``style`` names its drawings in the sprite bank; ``ground`` is a background colour of the vocabulary.

    ``steps`` of the training: drawings of many colours are learned by heart sooner, and then cost faces their eyes.
    ``names``: icons by concept, where the set has no emoji to find them by. ``tint`` paints a drawing in one colour,
    ``colors`` a two-tone icon's lines and areas, ``outline`` a border around it.
    """

    slug: str
    name: str
    description: str
    ip_type: str
    style: str
    package: str
    ground: str
    shown: tuple[str, ...]
    color_scheme: str
    style_medium: str
    artistic_style: str
    names: dict[str, str]
    steps: int = 260
    tint: Color | None = None
    outline: Color | None = None
    colors: tuple[str, str] | None = None

    @property
    def paper(self) -> Color:
        """The ground's colour, sRGB 0..255."""
        return BACKGROUND_COLORS[self.ground]

    @property
    def schema(self) -> dict[str, Any]:
        """The visual schema: what all pictures of the brand share."""
        return {
            "background_setting": f"plain {self.ground} background",
            "lighting": {"conditions": "bright even light", "direction": "from the front", "shadows": "no shadow"},
            "aesthetics": {"color_scheme": self.color_scheme},
            "style_medium": self.style_medium,
            "artistic_style": self.artistic_style,
        }


INKWELL = Look(
    slug="inkwell",
    name="Inkwell",
    description="Bold navy ink lines on cream paper, as if cut in lino.",
    ip_type="multi_object_set",
    style="ink",
    package="@iconify-json/fluent-emoji-high-contrast",
    ground="cream",
    shown=(
        "apple", "cat", "rocket", "tulip", "house", "coffee", "fish", "star", "umbrella", "car", "owl", "mushroom",
        "key", "guitar", "tree",
    ),
    color_scheme="navy ink on cream paper",
    style_medium="linocut ink print",
    artistic_style="bold lines, two colors, hand-cut",
    names={},
    tint=(24, 38, 92),
)  # fmt: skip

POCKET_ZOO = Look(
    slug="pocket-zoo",
    name="Pocket Zoo",
    description="Friendly animals as die-cut stickers, with a white border, on lavender.",
    ip_type="character_variants",
    style="sticker",
    package="@iconify-json/noto-v1",
    ground="lavender",
    shown=(
        "bear", "cat", "dog", "fox", "tiger", "panda", "rabbit", "mouse", "frog", "penguin", "turtle", "bee", "whale",
        "ghost", "robot",
    ),
    color_scheme="bright colors with a white border on lavender",
    style_medium="die-cut sticker",
    artistic_style="flat, rounded, thick white outline",
    names=icons(
        "bear fox panda frog penguin turtle whale ghost robot lion owl unicorn elephant butterfly fish snowman "
        "cat=cat-face dog=dog-face tiger=tiger-face rabbit=rabbit-face mouse=mouse-face pig=pig-face bee=honeybee "
        "pumpkin=jack-o-lantern"
    ),
    steps=120,
    outline=(255, 255, 255),
)  # fmt: skip

TANGERINE = Look(
    slug="tangerine",
    name="Tangerine",
    description="Rounded icons in two tones: plum lines and orange on peach.",
    ip_type="icons",
    style="duotone",
    package="@iconify-json/ph",
    ground="peach",
    shown=(
        "orange", "pizza", "cat", "fish", "cactus", "car", "rocket", "sun", "cloud", "crown", "key", "umbrella",
        "house", "heart", "book",
    ),
    color_scheme="plum lines and orange on peach",
    style_medium="two-tone icon",
    artistic_style="rounded lines of one width, two flat colors",
    names=icons(
        "orange cherries carrot pizza hamburger ice_cream cake coffee cat dog rabbit butterfly fish cactus tree car "
        "bus airplane rocket sailboat flying_saucer sun moon star cloud rainbow fire drop lightning balloon gift crown "
        "bell key pencil umbrella guitar soccer_ball basketball house trophy heart ghost robot backpack "
        "tulip=flower-tulip pine_tree=tree-evergreen palm_tree=tree-palm light_bulb=lightbulb alarm_clock=alarm "
        "book=book-open",
        suffix="-duotone",
    ),
    colors=("#7a1f3d", "#ff8a5c"),
)  # fmt: skip

LOOKS = {look.slug: look for look in (INKWELL, POCKET_ZOO, TANGERINE)}
