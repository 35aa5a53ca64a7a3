"""Words by which `reading.py` recognises what a long structured prompt says, all in lower case."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sartor.nano.concepts import CONCEPTS, Concept
from sartor.nano.vocabulary import BACKGROUND_COLOR_SYNONYMS, BACKGROUND_COLORS, COLOR_SYNONYMS
from sartor.nano.vocabulary import COLORS as THING_COLORS


def words(listed: str) -> re.Pattern[str]:
    """Any of these, separated by commas, as whole words; "*" stands for any ending. Parts of hyphenated words do not
    count."""
    alternatives = (re.escape(word.strip()).replace(r"\*", r"[\w-]*") for word in listed.split(","))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(alternatives)})(?![\w-])")


# What is only denied, up to the next sign or, of a list ("no sun, birds or horizon"), up to its end; and what is only
# compared with.
_DENIED = (
    r"(?<![\w-])(?:no|without|free (?:of|from)|devoid of|lack(?:s|ing)?(?: of)?|absence of|not|rather than|instead of|"
    r"never|nothing(?! but)|none of|neither|nor|avoid(?:s|ing)?|bare of|empty of|clear of|omits?|omitting|void of)"
    r"(?![\w-])[^.;,:]*"
)
_DENIED_WORD = r"(?<![\w-])(?:no|non)-[\w-]+"  # "no-outline"
_LIST = r"(?:,(?! (?:just|but|only|rather)\b)[^.;,:]{1,60}){0,6},?[^.;,:]{0,60} n?or [^.;,:]*"
_A_COLOR = rf"[^.;:]{{0,200}}\b(?:{'|'.join(sorted(THING_COLORS | BACKGROUND_COLORS | COLOR_SYNONYMS))})\b"
NEGATION = re.compile(rf"{_DENIED_WORD}|{_DENIED}(?:{_LIST})?")
# Of a background: "without texture, pale blue or slightly greenish" is no list of what is not there.
NEGATION_BUT_COLORS = re.compile(rf"{_DENIED_WORD}|{_DENIED}(?:(?!{_A_COLOR}){_LIST})?")
SIMILE = re.compile(
    r"(?<![\w-])(?:(?:just |much |almost |rather |a little |something )?like|as if|as though|resembl\w+|reminiscent of|"
    r"recall\w*|evok\w+|suggest\w+|the (?:size|shape|color|colour) of|shaped like|comparable to|similar to|akin to|"
    r"known from|used (?:for|on|by|in)|meant (?:for|as)|intended (?:for|as)|suitable for|suited (?:to|for)|"
    r"made for|designed (?:for|as))\b[^.;,:]*"
)
# Names that are also something else: what then stands after them, or before.
NOT_BEFORE = {
    "key": r"\s+(?:light|element|feature|subject|visual|colou?r|figure|area|point|detail|part|shape)",
    "star": r"\s+of\b",
    "heart": r"\s+of\b",
    "drop": r"\s+shadow",
    "crown": r"\s+of\s+(?:the|its)\b",
    "plane": r"\s+of\b",
    "present": r"\s+(?:in|at|on|here|throughout|a|an|the)\b",
    "novel": r"\s+\w",
    "crystal": r"\s+clear",
    "ball": r"\s+of\b",
    "cup": r"\s+(?:handle|shape)",
    "flower": r"\s+(?:of|pattern|print)",
}
NOT_AFTER = {
    "plane": r"(?:focal|picture|image|same|ground|single|one|flat|each)\s+$",
    "present": r"(?:is|are|be|was|were|also|still|barely|always|softly|clearly)\s+$",
    "ball": r"of\s+a\s+$",
    "spirit": r"(?:in|the|of)\s+$",
    "home": r"(?:at|feels like|feel at)\s+$",
    "heart": r"(?:at the|the very|by)\s+$",
    "key": r"(?:low|high)\s+$",
}
AS_A_COLOR = {"orange", "rose", "lemon", "tangerine", "cherry", "berry"}  # things only where no noun follows
NO_NOUN = re.compile(
    r"\s*(?:$|[.,;:!?)]|(?:with|on|in|is|that|and|of|at|has|sits|stands|floats|rests|against|from|whose|which|as|"
    r"shown|seen|drawn|rendered|presented|placed|depicted)\b)"
)
WITHIN = re.compile(r"\b(?:of|below|beneath|under|underneath|on|behind|around|from|for|to|in|inside|between|with)\b")
BESIDE = re.compile(
    r"\b(?:left of|right of|above|below|beside|next to|alongside|behind|in front of|near|opposite)(?= \w)"
)
BELONGS = re.compile(r"\b(?:part of|belong\w*|attached|detail of|fallen from|dropped from|cut from|taken from)\b")
COMPANY = re.compile(
    r"\b(?:part of|attached|belong\w*|mounted|detail of|worn|forms?|grow\w* (?:out )?(?:of|from)|sprout\w*|emerg\w*|"
    r"on (?:top of )?(?:its|his|her|the)|its|connected|fixed|stuck|supports|atop|joined|cast|nestl\w+|perch\w+|"
    r"crown\w*|tucked|dangl\w+|hang\w* from|inside|into)\b"
)

TOP = re.compile(r"\b(?:top|upper|uppermost|higher?)\b")
BOTTOM = re.compile(r"\b(?:bottom|lower|lowermost|lowest|low)\b")
LEFT, RIGHT = re.compile(r"\b(?:left|leftmost)\b"), re.compile(r"\b(?:right|rightmost)\b")
MIDDLE = words(
    "center, centre, centered, centred, central, centrally, middle, midpoint, heart, core, dead-center, mid-frame, "
    "mid-picture, mid-canvas, mid-page, mid-image"
)
NOT_THE_MIDDLE = re.compile(
    rf"{TOP.pattern}|{BOTTOM.pattern}|{LEFT.pattern}|{RIGHT.pattern}|"
    r"\b(?:horizontal|vertical|width|height|off-cent|above|below|beneath|under|over|between|from)"
)
TO_THE_RIGHT = re.compile(r"\b(?:facing|towards?|to|looking) (?:the )?right\b")
BESIDE_THE_POINT = re.compile(
    r"\bright (?:in|at|on|into|where|way|side up)\b|\b(?:left and right|left or right|right and left|right or left|"
    r"from left to right|top to bottom|top and bottom|both sides|equal\w* (?:space|distance|margin)\w*|left over|"
    r"left empty|is left|are left|left free|left around)\b|"
    r"\b(?:open|empty|free|blank|negative|unused|spare|plenty of|ample|generous) (?:space|room|area|air|margin)[^.;,]*"
)
PERCENT = re.compile(r"(?<!\d)(\d{1,3})\s*(?:%|percent|per cent)")
SIZE_WORDS = {
    "small": words("small, smallish, tiny, little, miniature, compact, petite, modest, minute, smaller"),
    "medium": words("medium, medium-sized, mid-sized, moderate, moderately, half, average, middling, mid-size"),
    "large": words(
        "large, larger, largest, big, biggest, huge, dominant, dominat*, fill*, prominent*, most, generous, major, "
        "majority, imposing, oversized, great, main, bold, nearly, commanding, two thirds, two-thirds, three quarters, "
        "three-quarters, substantial, sizable, full"
    ),
}
NUMBERS = {"one": 1, "single": 1, "two": 2, "pair": 2, "couple": 2, "three": 3, "trio": 3, "four": 4, "five": 5}
SEVERAL = r"\b(two|three|four|five|pair of|trio of)(?: (?!of\b)[\w-]+){{0,2}} (?:{names})\b"

LANDSCAPE_WORDS = {
    "night": words("night, nighttime, starry, starlit, stars, nocturnal, outer space, cosmos, galaxy, galactic"),
    "snow": words("snow, snowy, snowfield, snow-covered, snowdrift, snowdrifts, snowscape, wintry"),
    "beach": words("beach, shore, seashore, seaside, shoreline"),
    "desert": words("desert, dune, dunes"),
    "sunset": words("sunset, dusk, sundown, twilight, evening, sun has set"),
    "table": words(
        "table, tabletop, worktable, desk, countertop, counter, plank, planks, wooden surface, wooden board, kitchen, "
        "bedroom, living room, workshop, classroom, library, shelf, shelves, bakery, shop, cafe, café, workbench"
    ),
    "meadow": words(
        "meadow, grass, grassy, lawn, pasture, grassland, hillside, forest, woodland, woods, garden, park, orchard, "
        "farmyard, farm, countryside, savanna, savannah, jungle"
    ),
    "sea": words("sea, ocean, waves, water, lake, lagoon, marina, river, pond"),
}
PLAIN = words(
    "plain, solid, uniform, uniformly, seamless, backdrop, monochrome, monochromatic, single, unbroken, flat, one, "
    "evenly, empty, blank, simple, featureless, unadorned, undecorated, even, studio, unpatterned, clean, wall, sheet, "
    "field, surface, expanse, matte, minimal, untextured, colored, coloured"
)
GRADIENT = words(
    "gradient, fades, fading, blend, blends, blending, transition, transitions, transitioning, melts, melting, "
    "shift, shifts, shifting, graduated"
)
BEHIND = re.compile(
    r"\b(?:against|in front of|on|before|over|across|in|set within|background|backdrop)\b(.*)", re.DOTALL
)
BLURRED = words("blurred, blurry, bokeh, out of focus, out-of-focus, defocused")
PALE, DEEP = "light|pale|soft|pastel|powder|baby|faint|misty|airy", "dark|deep|midnight|inky|rich dark"
SHADES = {  # of a colour whose pale or deep shade has a name of its own
    "blue": ("sky blue", "navy blue"),
    "green": ("mint green", "dark green"),
    "gray": ("light gray", "gray"),
    "purple": ("lavender", "purple"),
    "yellow": ("cream", "yellow"),
    "orange": ("peach", "orange"),
    "brown": ("beige", "brown"),
}
# The composer's light tints the whole picture. Many a light is called warm or cool besides; that says so only where
# next to nothing else is said.
LIGHT_WORDS = {
    "warm": words("golden, amber, candlelit, candlelight, sunset, honeyed, honey-colored, warm-toned"),
    "cool": words("bluish, blue-tinted, blue-toned, blue light, icy, moonlit, moonlight, cold"),
    "dim": words("dim, dimmed, gloomy, low light, low-light, dusky, low-key, half-light, half-dark"),
}
BARE_LIGHT_WORDS = {
    "warm": words("warm, warmly, cozy"),
    "cool": words("cool, chilly, wintry"),
    "dim": words("dark, subdued, faint, muted, little light"),
}
FEW_OF_LIGHT = 3
NO_SHADOW = words(
    "no, none, without, absent, free, omitted, shadowless, lack*, not, nothing, never, negligible, missing, left out, "
    "nonexistent, non-existent, zero, hardly any, shadow-free, virtually, practically"
)
SOFT_SHADOW = words(
    "soft, softly, gentle, subtle, diffuse*, faint, contact, feathered, light, blurred, hazy, below, beneath, "
    "underneath, under, mild, delicate"
)
# "upside-down V" is said of a V.
UPSIDE_DOWN = re.compile(
    r"(?<![\w-])(?:upside down|upside-down(?! (?!on|in|with|and|as|so|at|from|against|by|to|like|but)\w)|inverted|"
    r"on its head|turned over|overturned)(?![\w-])"
)
# The composer tilts by 24 degrees. To be rotated to the left or right may mean another view.
TILTED = re.compile(
    r"\b(?:(?:tilt|lean|slant)[a-z]*|tipped|tipping)\b.{0,80}?\b(left|right|clockwise|counter-?clockwise|anti-?clockwise)"
    r"|\brotat[a-z]*\b.{0,80}?\b(clockwise|counter-?clockwise|anti-?clockwise)"
)
TILTED_LEFT = ("left", "counterclockwise", "counter-clockwise", "anticlockwise", "anti-clockwise")
FAINTLY = words(
    "slight*, faint*, barely, hardly, gently, gentle, minimal*, subtl*, little, touch, hint, bit, ever so, light, "
    "lightly, small, mild*, soft, softly, just, delicate*, few, hair, trifle, modest*, tiny, whisper, almost, nearly"
)
DEGREE_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12,
}  # fmt: skip
DEGREES = re.compile(rf"(?<![\w.-])(\d{{1,3}}|{'|'.join(DEGREE_WORDS)})(?:[- ]degrees?\b| ?°)")
COPULA = re.compile(r"\b(?:is|are|stands|sits|lies)\b")  # what stands before it describes the thing
LEAST_DEGREES = 13
# Parts of things: what tilts may be one of them.
PARTS = words(
    "head, heads, stem, stems, stalk, leaf, leaves, tail, beak, bill, bloom, blossom, flower, petal*, ear, ears, arm, "
    "arms, paw, paws, wing, wings, leg, legs, foot, feet, trunk, neck, face, eye, eyes, handle, lid, top, tip, nose, "
    "snout, muzzle, mast, sail, branch*, crown, cap, hat, roof, chimney, flame*, peak, peaks, spout, antenna*, horn, "
    "horns, mane, fin, fins, gaze, look, eyebrow*, smile, mouth, shadow, light, camera, view, perspective, page, pages"
)

# A style_medium with one of these is of one colour, whatever else it says.
ONE_COLOR_WORDS = {
    "lineart": words(
        "line art*, line-art*, lineart, line drawing*, line icon*, line illustration*, outline icon*, "
        "outline drawing*, outlined icon*, monoline, linear icon*, stroke icon*"
    ),
    "glyph": words("glyph*, pictogram*, solid icon*, silhouette*, one-color, single-color, one-colour, single-colour"),
}
_PIXELS = r"pixel(?![- ](?:perfect|precise|exact|sharp|crisp|clean))(?: art|[\w-]*)"
STYLE_WORDS = {  # the first counts where two are named as often
    "pixelart": re.compile(
        rf"(?<![\w-])(?:{_PIXELS}|(?:8|16|32|eight|sixteen)[- ]?bit|sprites?|sprite-[\w-]+|"
        r"(?:retro(?: [a-z]+)?|(?:vintage|old|old-school|classic) (?:video|arcade|console|computer))[ -]games?)"
        r"(?![\w-])"
    ),
    "soft3d": words(
        "3d, 3-d, three-dimensional, three dimensional, render*, clay*, 3d-*, cgi, blender, glossy, plastic, vinyl, "
        "volumetric, sculpted, inflated, octane, ray-traced, subsurface, figurine"
    ),
    "flat": words(
        "flat, flat-*, vector, vector-*, geometric, material design, svg, two-dimensional, 2d, minimalist graphic, "
        "solid shapes"
    ),
    "cartoon": words(
        "cartoon*, comic*, clip art, clip-art, clipart, emoji, storybook, hand-drawn, animated, animation, cel-shad*, "
        "cel shad*, saturday-morning"
    ),
}
# A style_medium with one of these is a look of its own, though it may name a house style besides.
OTHER_MEDIA = words(
    "watercolor*, watercolour*, oil, gouache, acrylic*, crayon*, chalk*, charcoal, lino*, woodcut*, engraving*, "
    "etching*, riso*, screenprint*, screen-print*, voxel*, low-poly, low poly, collage*, mosaic*, "
    "embroider*, knit*, crochet*, felt, origami, photo*, sticker*, die-cut, stained glass, two-tone, duotone, "
    "halftone, graffiti, pastels, brush, sketch*, blueprint*, neon"
)
# Said of any style; a short style_medium with other words than these is a look of its own, a brand's say.
STYLE_TALK = words(
    "a, an, the, and, or, with, of, in, very, clean, cute, soft, smooth, polished, modern, digital, graphic, "
    "graphics, illustration, illustrated, illustrations, drawing, drawn, art, artwork, icon, image, picture, "
    "picture-book, style, styled, look, like, shaded, shading, simple, minimal, minimalist, minimalistic, high- "
    "quality, high, quality, rounded, friendly, playful, charming, toy, toy-like, cheerful, bold, crisp, bright, "
    "colorful, colourful, stylized, stylised, computer-generated, computer, generated, rendering, rendered, "
    "model, object, scene, children's, childrens, book, kids, contemporary, editorial, light, lively, gentle, "
    "detailed, matte, shiny, satin, tactile, volume, shapes, shape, colors, colours, edges, lines, outlines, "
    "outlined, design, solid, character, characters, food, animal, animals, creature, product, plant, toy, emblem, "
    "badge, pictograph, inked, hand-inked, ink-outlined, colored, coloured, digitally, color, colour, fully, "
    "professional, high-resolution, miniature, isolated, single, surface, surfaces, finish, "
    "pixel-perfect"
)


def _names() -> dict[str, Concept]:
    found = {}
    for concept in CONCEPTS:
        for name in (*concept.synonyms, concept.plural_name, concept.name):
            found[name.lower()] = concept
            found.setdefault(name.lower().replace(" ", "-"), concept)
            if not name.endswith("s"):
                found.setdefault(f"{name.lower()}s", concept)
    return found


def _any(names: Iterable[str]) -> str:
    """A pattern for any of these, the longest first; words that belong together may be joined by hyphens."""
    return "|".join("[ -]".join(map(re.escape, name.split(" "))) for name in sorted(names, key=len, reverse=True))


NAMES = _names()
NAME = re.compile(rf"(?<![\w-])(?:{_any(NAMES)})(?![\w-])")
NEXT_NAME = re.compile(rf" ({NAME.pattern})")
OWNER = re.compile(rf"(?:{NAME.pattern})'s\b")
COLORS = {name: name for name in BACKGROUND_COLORS} | BACKGROUND_COLOR_SYNONYMS
COLOR = re.compile(rf"(?:\b(?P<shade>{PALE}|{DEEP})[ -]+(?:\w+[ -])?)?(?<![\w])(?P<color>{_any(COLORS)})(?![\w])")
OWN_COLOR = re.compile(rf"(?<![\w])(?:{_any(THING_COLORS | COLOR_SYNONYMS)})(?![\w])")
SHADED = re.compile(
    rf"[ -](?:(?!in |of |on |by |and |with |under |below )\w+ )?(?!sand)(?:{_any(COLORS)})(?![\w])"
    r"(?! \w*(?:field|land|scape|meadow|dune)s?\b)"
)
SAND = words("sand, sands, sandy")  # by the sea: a beach
