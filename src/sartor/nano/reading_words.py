"""Words by which `reading.py` recognises what a long structured prompt says, all in lower case."""

from __future__ import annotations

import re

from sartor.nano.concepts import CONCEPTS, Concept
from sartor.nano.vocabulary import BACKGROUND_COLOR_SYNONYMS, BACKGROUND_COLORS, COLOR_SYNONYMS
from sartor.nano.vocabulary import COLORS as THING_COLORS


def words(listed: str) -> re.Pattern[str]:
    """Any of these, separated by commas, as whole words; "*" stands for any ending. Parts of hyphenated words do not
    count."""
    alternatives = (re.escape(word.strip()).replace(r"\*", r"[\w-]*") for word in listed.split(","))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(alternatives)})(?![\w-])")


# What is only denied, and what is only compared with, up to the next sign.
NEGATION = re.compile(
    r"\b(?:no|without|free (?:of|from)|devoid of|lack(?:s|ing)?(?: of)?|absence of|not|rather than|instead of|never|"
    r"nothing(?! but)|none of|neither|nor|avoid(?:s|ing)?|bare of|empty of|clear of|omits?|omitting|void of)\b[^.;,:]*"
)
SIMILE = re.compile(
    r"\b(?:(?:just |much |almost |rather |a little |something )?like|as if|as though|resembl\w+|reminiscent of|"
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
BESIDE = re.compile(r"\b(?:left of|right of|above|below|beside|next to|alongside|behind|in front of|near|opposite)\b")
COMPANY = re.compile(
    r"\b(?:part of|attached|belong\w*|mounted|detail of|worn|forms?|growing (?:out )?(?:of|from)|sprout\w*|emerg\w*|"
    r"on (?:top of )?(?:its|his|her|the)|its|connected|fixed|stuck|supports|sits atop|joined|cast)\b"
)

TOP = re.compile(r"\b(?:top|upper|uppermost|higher?)\b")
BOTTOM = re.compile(r"\b(?:bottom|lower|lowermost|lowest|low)\b")
LEFT, RIGHT = re.compile(r"\b(?:left|leftmost)\b"), re.compile(r"\b(?:right|rightmost)\b")
MIDDLE = words("center, centre, centered, centred, central, centrally, middle, midpoint, heart, core, dead-center")
TO_THE_RIGHT = re.compile(r"\b(?:facing|towards?|to|looking) (?:the )?right\b")
BESIDE_THE_POINT = re.compile(
    r"\bright (?:in|at|on|into|where|way|side up)\b|\b(?:left and right|left or right|right and left|right or left|"
    r"from left to right|top to bottom|top and bottom|both sides|equal\w* (?:space|distance|margin)\w*|left over|"
    r"left empty|is left|are left|left free|left around)\b"
)
PERCENT = re.compile(r"(\d{1,2})\s*(?:%|percent|per cent)")
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
SEVERAL = r"\b(two|three|four|five|pair of|trio of)(?: [\w-]+){{0,2}} (?:{names})\b"

LANDSCAPE_WORDS = {
    "night": words("night, nighttime, starry, starlit, stars, nocturnal"),
    "snow": words("snow, snowy, snowfield, snow-covered, snowdrift, snowdrifts, snowscape, wintry"),
    "beach": words("beach, shore, seashore, seaside, shoreline"),
    "desert": words("desert, dune, dunes"),
    "sunset": words("sunset, dusk, sundown, twilight, evening, sun has set"),
    "table": words("table, tabletop, desk, countertop, plank, planks, wooden surface, wooden board"),
    "meadow": words("meadow, grass, grassy, lawn, pasture, grassland, hillside"),
    "sea": words("sea, ocean, waves, water"),
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
WARM_LIGHT = words("warm, warmly, golden, amber, candlelit, sunset, honeyed, cozy, warmth")
COOL_LIGHT = words("cool, cold, bluish, icy, moonlit, cooler, wintry, chilly, moonlight")
DIM_LIGHT = words("dim, dimmed, dark, gloomy, subdued, low light, low-light, dusky, faint, night, low-key")
NO_SHADOW = words(
    "no, none, without, absent, free, omitted, shadowless, lack*, not, nothing, never, negligible, missing, left out, "
    "nonexistent, non-existent, zero, hardly any, shadow-free, virtually, practically"
)
SOFT_SHADOW = words(
    "soft, softly, gentle, subtle, diffuse*, faint, contact, feathered, light, blurred, hazy, below, beneath, "
    "underneath, under, mild, delicate"
)
UPSIDE_DOWN = words("upside down, upside-down, inverted, on its head, turned over, overturned")
TILTED = re.compile(
    r"\b(?:tilt|lean|slant|angl|tip|rotat)[a-z]*\b[^.;,]*?\b(left|right|clockwise|counter-?clockwise|anti-?clockwise)"
)
TILTED_LEFT = ("left", "counterclockwise", "counter-clockwise", "anticlockwise", "anti-clockwise")

# A style_medium with one of these is of one colour, whatever else it says.
ONE_COLOR_WORDS = {
    "lineart": words(
        "line art*, line-art*, lineart, line drawing*, line icon*, line illustration*, outline icon*, "
        "outline drawing*, outlined icon*, monoline, linear icon*, stroke icon*"
    ),
    "glyph": words("glyph*, pictogram*, solid icon*, silhouette*, one-color, single-color, one-colour, single-colour"),
}
STYLE_WORDS = {
    "soft3d": words(
        "3d, 3-d, three-dimensional, three dimensional, render*, clay*, 3d-*, cgi, blender, glossy, plastic, vinyl, "
        "volumetric, sculpted, inflated, octane"
    ),
    "flat": words(
        "flat, flat-*, vector, vector-*, geometric, material design, svg, two-dimensional, 2d, minimalist graphic, "
        "solid shapes"
    ),
    "cartoon": words(
        "cartoon*, comic*, clip art, clip-art, clipart, emoji, storybook, hand-drawn, animated, animation"
    ),
}
# Said of any style; a style_medium with other words than these and STYLE_WORDS is a look of its own, a brand's say.
STYLE_TALK = words(
    "a, an, the, and, or, with, of, in, very, clean, cute, soft, smooth, polished, modern, digital, graphic, "
    "graphics, illustration, illustrated, illustrations, drawing, drawn, art, artwork, icon, image, picture, "
    "picture-book, style, styled, look, like, shaded, shading, simple, minimal, minimalist, minimalistic, high- "
    "quality, high, quality, rounded, friendly, playful, charming, toy, toy-like, cheerful, bold, crisp, bright, "
    "colorful, colourful, stylized, stylised, computer-generated, computer, generated, rendering, rendered, "
    "model, object, scene, children's, childrens, book, kids, contemporary, editorial, light, lively, gentle, "
    "detailed, matte, shiny, satin, tactile, volume, shapes, shape, colors, colours, edges, lines, outlines, "
    "outlined, design, solid"
)


def _names() -> dict[str, Concept]:
    found = {}
    for concept in CONCEPTS:
        for name in (*concept.synonyms, concept.plural_name, concept.name):
            found[name.lower()] = concept
            if not name.endswith("s"):
                found.setdefault(f"{name.lower()}s", concept)
    return found


NAMES = _names()
NAME = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(map(re.escape, NAMES), key=len, reverse=True))})(?![\w-])")
NEXT_NAME = re.compile(rf" ({NAME.pattern})")
OWNER = re.compile(rf"(?:{NAME.pattern})'s\b")
COLORS = {name: name for name in BACKGROUND_COLORS} | BACKGROUND_COLOR_SYNONYMS
COLOR = re.compile(
    rf"(?:\b(?P<shade>{PALE}|{DEEP})[ -]+(?:\w+[ -])?)?"
    rf"(?<![\w])(?P<color>{'|'.join(sorted(map(re.escape, COLORS), key=len, reverse=True))})(?![\w])"
)
OWN_COLOR = re.compile(
    rf"(?<![\w])(?:{'|'.join(sorted(map(re.escape, THING_COLORS | COLOR_SYNONYMS), key=len, reverse=True))})(?![\w])"
)

_MEASURED = """
airplane: gray blue white
alarm clock: white red
alien: gray brown green black
ambulance: white red
anchor: gray blue
apple: red pink
avocado: yellow brown green
backpack: pink red
balloon: pink red
banana: yellow orange white
basket: brown orange
basketball: red orange
bat: brown
bear: brown
bee: gray black orange yellow
bell: yellow orange
bicycle: gray black white
book: pink red gray
boot: orange brown red
bread: orange white brown yellow
broccoli: green yellow gray
bus: gray white black
butterfly: red black orange gray
cactus: green
cake: brown white orange
camel: orange brown
camera: gray black white
candle: white yellow
car: red gray
carrot: orange green
castle: gray red white
cat: orange yellow
chair: brown
cheese: yellow orange
cherries: red green
christmas tree: green
cloud: white
clover: green
coconut: brown gray
coffee: gray brown white
compass: white yellow gray
corn: green yellow
couch: gray blue purple
cow: white brown gray
crab: orange red pink
crocodile: green gray
croissant: orange brown
crown: orange yellow
cupcake: white pink blue
dagger: white gray brown yellow
daisy: yellow orange white green gray
diamond: blue gray white
die: white gray
dinosaur: green yellow gray
dog: brown white
dolphin: gray blue
door: brown orange
doughnut: brown orange
dragon: green gray
dress: blue
drop: blue gray
drum: red white gray
duck: brown green white gray
egg: orange brown
eggplant: purple
elephant: gray
envelope: white gray
ferris wheel: white gray yellow purple
fire: orange red yellow
fire engine: red gray white
fish: blue gray
flamingo: pink
flying saucer: gray yellow white
fox: orange brown white
frog: green yellow
ghost: white gray
gift: yellow orange red
giraffe: yellow brown orange
glasses: gray brown black blue
globe: blue green
grapes: purple green black
guitar: pink white red
hamburger: brown orange yellow
hammer: brown gray pink
headphones: gray black white
heart: red pink
hedgehog: brown white orange
helicopter: yellow gray orange
hibiscus: pink
honey pot: orange yellow brown
horse: orange brown black
hourglass: gray brown orange white
house: brown white gray
ice cream: brown white orange
key: yellow orange
kite: orange purple yellow blue white
kiwi: yellow brown green
koala: gray white
ladybug: red black pink
laptop: white gray
lemon: yellow
light bulb: yellow
lightning: orange red yellow
lion: brown orange yellow
lock: yellow gray orange
locomotive: gray red black
lollipop: pink yellow
magnet: red white pink
maple leaf: orange red pink
microscope: gray white
monkey: brown pink
moon: yellow orange
mouse: gray pink
mushroom: pink red brown white
octopus: red pink orange
orange: orange yellow
owl: brown white
palette: orange brown
palm tree: green brown
pancakes: orange white yellow brown
panda: gray white black
parrot: green yellow pink orange
pear: yellow
pencil: orange red yellow
penguin: white purple black
pig: pink brown white
pine tree: green gray
pineapple: orange brown green yellow
pizza: yellow brown orange
planet: brown gray orange yellow
popcorn: red yellow white
potted plant: green red brown
pumpkin: orange red
rabbit: white gray
rainbow: yellow red purple orange
ring: gray white blue
robot: gray black
rocket: white gray red
rooster: brown yellow green gray
rose: red green
sailboat: blue orange red white
saxophone: yellow
scissors: gray red white
scooter: yellow black red pink
shark: gray white
shield: gray white blue
skateboard: black blue
skull: white black
snail: brown orange
snake: yellow green gray
sneaker: blue white gray
snowflake: blue gray white
snowman: white gray black
soccer ball: blue white purple black
squirrel: brown orange
star: yellow
strawberry: red green yellow
suitcase: blue white gray
sun: yellow orange
sunflower: yellow brown
t-shirt: white green
taco: yellow green
taxi: yellow black
telephone: red pink
telescope: gray white blue purple
television: gray black
tennis ball: blue white red pink gray
tent: orange red green
tiger: orange gray white black
tomato: red green
top hat: black gray
tractor: gray black green
tree: green gray
trophy: yellow orange brown
trumpet: yellow orange
tulip: pink green
turtle: gray green yellow
umbrella: purple
unicorn: purple white blue pink
violin: red black brown
volcano: red black orange purple
watermelon: red white green yellow
whale: blue gray white
wolf: gray white
zebra: black white gray
"""
# What each thing's drawings are coloured like, by the composer's own measure: to name such a colour changes nothing.
NATURAL_COLORS = {
    name: frozenset(colors.split()) for name, colors in (line.split(": ") for line in _MEASURED.strip().splitlines())
}
