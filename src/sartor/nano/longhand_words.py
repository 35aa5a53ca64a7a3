"""Ways to say one true thing each, for `longhand.py`; slots in braces are of `longhand_filler.py`, or given."""

from __future__ import annotations

STYLES: dict[str, dict[str, tuple[str, ...]]] = {
    "soft3d": {
        "medium": (
            "3D render", "3D illustration", "digital 3D rendering", "glossy 3D icon", "CGI render",
            "three-dimensional render", "soft 3D artwork", "3D model render", "clay-style 3D render",
            "stylized 3D graphic", "3D emoji-style rendering",
        ),
        "look": (
            "soft, glossy, rounded", "clay-like, smooth shading", "plastic, toy-like",
            "rounded forms with soft gradients", "polished, volumetric", "inflated, glossy",
            "soft-shaded three-dimensional", "sculpted, shiny", "dimensional, tactile",
        ),
    },
    "flat": {
        "medium": (
            "flat vector illustration", "flat design graphic", "vector art", "flat icon", "2D vector graphic",
            "flat illustration", "minimal vector icon", "flat digital graphic", "two-dimensional vector artwork",
            "flat-color illustration",
        ),
        "look": (
            "flat, bold, geometric", "solid fills, no gradients", "minimalist, clean shapes", "graphic, simplified",
            "flat color blocks, crisp edges", "modern flat design", "two-dimensional, unshaded", "geometric, reduced",
        ),
    },
    "cartoon": {
        "medium": (
            "cartoon illustration", "cartoon drawing", "digital cartoon", "comic-style illustration",
            "shaded cartoon", "hand-drawn cartoon art", "cartoon clip art", "illustrated cartoon",
            "children's book cartoon", "cartoon artwork",
        ),
        "look": (
            "shaded, lively, detailed", "cel-shaded, expressive", "playful linework and shading",
            "cartoonish, animated", "lively comic look", "drawn, gently shaded", "storybook cartoon",
            "exaggerated, humorous", "bold cartoon shading",
        ),
    },
    "lineart": {
        "medium": (
            "line icon", "line art", "outline icon", "line drawing", "line-art illustration", "monoline icon",
            "outline drawing", "minimal line icon",
        ),
        "look": (
            "thin outlines of one width, no fill", "outlined, unfilled", "even strokes, rounded ends",
            "contours only", "monoline, airy", "uniform line weight, no shading",
        ),
    },
    "glyph": {
        "medium": (
            "glyph icon", "solid glyph", "pictogram", "solid icon", "silhouette icon", "one-color glyph",
            "single-color pictogram",
        ),
        "look": (
            "solid silhouette, one color", "filled shape in a single color", "bold silhouette, no shading",
            "monochrome, solid", "one flat shape", "stencil-like, solid",
        ),
    },
    "pixelart": {
        "medium": (
            "pixel art", "pixel-art illustration", "pixelated icon", "8-bit sprite", "16-bit game sprite",
            "retro pixel art", "pixel-art icon", "digital pixel art", "retro video game sprite",
            "blocky pixel illustration", "pixel graphic",
        ),
        "look": (
            "large square pixels, few colors", "blocky, pixelated", "chunky square pixels, a limited palette",
            "8-bit, hard-edged", "coarse grid of pixels, few tones", "stair-stepped edges, visible pixels",
            "16-bit console look", "big blocks of color on one grid", "retro game graphics",
        ),
    },
}  # fmt: skip
PLACES: dict[str, tuple[str, ...]] = {
    "top left": (
        "upper left corner", "top-left of the {picture}", "in the upper left third", "high on the left",
        "upper left quadrant", "toward the top left", "positioned in the upper left of the {picture}",
        "near the top and to the left",
    ),
    "top center": (
        "upper middle", "top-center of the {picture}", "near the top edge, horizontally centered", "upper center",
        "high in the {picture}, centered", "in the upper third, in the middle", "toward the top, centered",
        "at the top of the {picture}",
    ),
    "top right": (
        "upper right corner", "top-right of the {picture}", "in the upper right third", "high on the right",
        "upper right quadrant", "toward the top right", "positioned in the upper right of the {picture}",
        "near the top and to the right",
    ),
    "center left": (
        "left side", "middle left of the {picture}", "left of center", "vertically centered on the left",
        "in the left third, at mid-height", "toward the left edge, halfway up", "left-hand side of the {picture}",
        "on the left, in the middle of the height",
    ),
    "center": (
        "center", "center of the {picture}", "centrally placed", "in the middle", "dead center", "centered",
        "the exact center of the {picture}", "middle", "positioned centrally", "central", "center of the {picture}",
        "squarely in the middle of the {picture}", "center, equally far from all edges", "center frame",
    ),
    "center right": (
        "right side", "middle right of the {picture}", "right of center", "vertically centered on the right",
        "in the right third, at mid-height", "toward the right edge, halfway up", "right-hand side of the {picture}",
        "on the right, in the middle of the height",
    ),
    "bottom left": (
        "lower left corner", "bottom-left of the {picture}", "in the lower left third", "low on the left",
        "lower left quadrant", "toward the bottom left", "positioned in the lower left of the {picture}",
        "near the bottom and to the left",
    ),
    "bottom center": (
        "lower middle", "bottom-center of the {picture}", "near the bottom edge, centered", "lower center",
        "low in the {picture}, centered", "in the lower third, in the middle", "toward the bottom, centered",
        "at the bottom of the {picture}",
    ),
    "bottom right": (
        "lower right corner", "bottom-right of the {picture}", "in the lower right third", "low on the right",
        "lower right quadrant", "toward the bottom right", "positioned in the lower right of the {picture}",
        "near the bottom and to the right",
    ),
}  # fmt: skip
SIZES: dict[str, tuple[str, ...]] = {
    "small": (
        "small", "small within frame", "occupies a small part of the {picture}", "tiny, with ample empty space around",
        "small, about a quarter of the {picture}", "little, surrounded by much empty space", "quite small",
        "small, {praise}",
    ),
    "medium": (
        "medium", "medium within frame", "moderate, about half the height of the {picture}", "mid-sized",
        "medium, with generous margins", "about a third to a half of the {picture}", "of middling size",
        "medium, {praise}",
    ),
    "large": (
        "large", "large within frame", "dominant, fills most of the {picture}", "prominent, takes up much of the image",
        "large, spanning most of the {picture}", "fills about three quarters of the {picture}", "large, a close-up",
        "large, commanding", "large, from edge to edge", "dominant in the {picture}", "large, nearly filling the frame",
        "large, {praise}", "big, occupying some {number} tenths of the height",
    ),
}  # fmt: skip
ORIENTATIONS: dict[str, tuple[str, ...]] = {
    "upright": (
        "upright", "upright, facing the viewer", "vertical", "frontal, upright", "standing straight", "level",
        "straight", "turned to the viewer", "right way up", "seen from the front", "upright, in three-quarter view",
        "frontal, with {number} {part}s pointing upward", "upright, its {part} turned slightly to one side",
        "facing directly forward", "natural, resting on its base", "seated, facing the viewer",
    ),
    "tilted to the left": (
        "tilted to the left", "leaning left", "rotated slightly counterclockwise", "leaning over to the left",
        "tilted about twenty degrees to the left", "tipped leftward",
    ),
    "tilted to the right": (
        "tilted to the right", "leaning right", "rotated slightly clockwise", "leaning over to the right",
        "tilted about twenty degrees to the right", "tipped rightward",
    ),
    "upside down": (
        "upside down", "inverted, upside down", "turned on its head, upside down", "flipped over, upside down",
    ),
}  # fmt: skip
ALONE: tuple[str, ...] = (
    "alone", "The {only} {subject} of the {picture}.", "The {only} {subject} in the {picture}, {presence}.",
    "{stands} {alone}", "{stands} {alone}, {presence}", "{alone}, {presence}", "No other {subject} is near.",
    "The only thing to be seen.", "It is the {only} {subject} of the {picture}, {presence}.",
    "{stands} {alone} as the {only} {subject}", "There is nothing else in the {picture}.",
    "Nothing else competes with it.", "Dominates the {picture}, {presence}.", "isolated", "{presence}",
    "The {name} {stands} {alone}.", "The {name} is the {only} {subject}, {presence}.",
    "Its {number} {part}s point to the {word}; it {stands} {alone}.", "{sentence}",
    "Main {subject}, {presence}.", "{phrase}", "The {only} {subject}, {phrase}.", "{phrase}, {presence}",
    "Set above its own {word}, {presence}.", "{stands} in {feeling} {word}, {presence}",
)  # fmt: skip
TOGETHER: tuple[str, ...] = (
    "in a group", "in a group, {presence}", "gathered together", "arranged side by side", "a group of the same kind",
    "together in a loose cluster", "standing together, {presence}", "several of them, close to one another",
    "grouped in the {picture}", "in a group of {number_of_things}", "{number_of_things} of a kind, together",
)  # fmt: skip
PLAIN: tuple[str, ...] = (
    "plain {color} background", "A clean, solid {color} backdrop with no texture.",
    "A uniform field of {color}, free of any other objects or {word}.", "solid {color}", "{color}", "plain {color}",
    "A {plain}, {plain} {color} {backdrop}, {without}.", "A {plain} {color} {backdrop}, {without}.",
    "A {softly} {color} {backdrop}, {without}.", "A {plain} {backdrop} in a {softly} {color}, {without}.",
    "A {plain} {backdrop} of {color}.", "{color}, {softly} and {plain}.", "{softly} {color}, {without}.",
    "{plain} {color}, {without}.", "The background is a {plain}, {plain} {color}, {verb} its {aspect}.",
    "The whole {backdrop} is {color}, {softly} and {plain}.", "{color} throughout, {softly} and {plain}.",
    "A {softly} {color} surrounds the {name}, {without}.", "A {softly} {color} fills the {picture}, {without}.",
    "Behind the {name} there is only {color}, {without}.", "The {name} is set against {softly} {color}, {without}.",
    "An area of {softly} {color}, as {feeling} as {word}.", "Simple {color} studio backdrop, no gradient.",
    "The scene takes place in front of a {softly} {color} wall with nothing on it.",
    "A {softly}, {color}-toned {backdrop} that makes the {tint} {part} stand out.",
    "A {color} {backdrop}. {sentence}", "{color} background, {plain}; {without}.",
    "Nothing but {color}: a {plain} {backdrop}, {without}.", "{color}, as if the {word} had turned into pure color.",
)  # fmt: skip
GRADIENT: tuple[str, ...] = (
    "gradient from {color} to {other_color}",
    "A smooth gradient that fades from {color} at the top to {other_color} at the bottom.",
    "A {softly} vertical blend of {color} into {other_color}, {without}.",
    "{color} above melting gently into {other_color} below.",
    "A {softly} transition from {color} to {other_color}, like {word}.",
    "The {backdrop} shifts from {color} at the top to {other_color} below, {verb} its {aspect}.",
    "{color} fading to {other_color}", "A {feeling} gradient: {color} first, then {other_color}.",
)  # fmt: skip
LANDSCAPES: dict[str, tuple[str, ...]] = {
    "meadow": (
        "A green meadow beneath a clear blue sky.", "Lush green grass with a bright sky above.",
        "a grassy field on a sunny day", "Rolling green lawn stretching to the horizon under a blue sky.",
        "A {feeling} meadow of fresh grass, {verb} its {aspect}.", "Grass dotted with {tint} {word}s below the sky.",
        "A sunlit, {praise} meadow with {word} and {tint} blossoms.", "A pasture in summer, {softly} and green.",
        "A {softly} green hillside and a pale sky washed by rain.", "Grassland under an open sky, {without}.",
    ),
    "beach": (
        "A sandy beach with calm blue water behind.", "Golden sand at the seaside, the ocean at the horizon.",
        "a sunny beach by the sea", "A strip of pale sand with the sea and sky in the distance.",
        "A {feeling} shore: sand in front, {tint} water behind it.", "Warm sand by the {softly} ocean, {without}.",
        "The seashore with {word} and fine, pale sand.", "A quiet beach with a {tint} {word} far away.",
    ),
    "snow": (
        "A snow-covered field under a pale winter sky.", "a wintry landscape blanketed in white snow",
        "Fresh snow on the ground, a cold light sky above.", "Snowy ground in winter.",
        "A {feeling} winter day: {softly} snow as far as the eye reaches.", "Snow, {word} and a pale sky.",
        "Untouched snow stretches behind the {name}, {verb} its {aspect}.", "A white, frosty plain, {without}.",
    ),
    "sea": (
        "The open sea under a clear sky.", "Deep blue ocean water stretching to the horizon.",
        "calm blue sea and bright sky", "A wide expanse of ocean beneath an open sky.",
        "{feeling} waves of the open ocean, with {word} and foam.", "The {softly} sea, {tint} waves and a wide sky.",
        "Rolling water as far as the horizon, {verb} its {aspect}.", "Open water and a hint of {word} in the haze.",
    ),
    "night": (
        "A dark night sky sprinkled with stars.", "Deep, starry night sky.", "outer space with tiny stars",
        "A midnight sky full of small twinkling stars.", "Deep, dark space, dotted with stars and {word}.",
        "The {feeling} night with {number} stars and a hint of {word}.", "A starlit sky in indigo, {without}.",
        "The cosmos: blackness, {tint} specks of stars, {word}.",
        "A {softly} night full of stars, {verb} its {aspect}.",
    ),
    "sunset": (
        "An orange sunset above dark hills.", "Glowing evening sky with silhouetted hills.",
        "a dramatic sunset over hills", "The sun has set: an orange sky over dark rolling hills.",
        "A {feeling} dusk in orange and {tint}, with hills below.", "The {softly} glow of sunset behind hills.",
        "Evening: the sky burns orange, the hills are dark, {verb} its {aspect}.", "Sundown over the {word}, {praise}.",
    ),
    "desert": (
        "Yellow sand dunes under a warm sky.", "A dry desert with rolling dunes.",
        "a sunlit desert landscape of golden dunes", "Sweeping desert sand beneath a warm, hazy sky.",
        "A {feeling} desert, {tint} dunes and heat.", "Dunes upon dunes of {softly} sand, without {word}.",
        "The desert at noon, with {word} and {number} dunes.", "Arid, sandy land, {verb} its {aspect}.",
    ),
    "table": (
        "A wooden table in front of a plain wall.", "a wooden tabletop, plain wall behind",
        "A brown wooden surface in a simple room.", "On a wooden desk against a neutral wall.",
        "A {feeling} wooden table in {tint} and {tint}, with {word} grain.", "A table of {softly} wood, {without}.",
        "Planks of a wooden tabletop, separated by thin lines, {verb} its {aspect}.", "A rustic wood table and {word}.",
    ),
}  # fmt: skip
LIGHT: dict[str, tuple[str, ...]] = {
    "even": (
        "soft, diffused studio lighting", "bright even light", "uniform, flat lighting", "clean, even illumination",
        "bright, neutral light", "soft ambient light", "stylized daylight, {praise}", "no natural light source",
        "graphic, even lighting without {word}", "bright and {feeling}", "balanced studio light, {verb} its {aspect}",
        "even brightness, as in {word}", "gentle, {praise} illumination",
    ),
    "warm": (
        "warm golden light", "warm late-afternoon light", "golden hour glow", "cozy, warm-toned light",
        "a warm, {feeling} glow", "amber light with {word}",
    ),
    "cool": (
        "cool bluish light", "cool daylight", "crisp, blue-tinted light", "cold, pale light",
        "a cool, {feeling} shimmer", "wintry, bluish light with {word}",
    ),
    "dim": (
        "dim light", "low, subdued light", "dark, moody lighting", "faint, muted illumination",
        "dim, {feeling} half-light", "little light, as in {word}",
    ),
}  # fmt: skip
SHADOWS: dict[str, tuple[str, ...]] = {
    "none": (
        "no shadow", "none", "no cast shadows", "virtually no shadows", "absent", "nothing falls on the background",
        "no cast shadows; only a slightly darker {tint} tone along the {part}", "shading on the {name} itself only",
    ),
    "soft": (
        "soft shadow below", "a soft, subtle shadow beneath the subject", "gentle contact shadow underneath",
        "a faint, feathered contact shadow grounds the {name}", "a soft dark patch beneath it, {praise}",
    ),
    "left": (
        "hard shadow to the left", "a crisp shadow falling to the left", "a defined shadow cast leftwards",
        "a dark, clear shadow on the left of the {name}",
    ),
    "right": (
        "hard shadow to the right", "a crisp shadow falling to the right", "a defined shadow cast rightwards",
        "a dark, clear shadow on the right of the {name}",
    ),
}  # fmt: skip
DIRECTIONS: dict[str, tuple[str, ...]] = {
    "none": (
        "from the front", "frontal, uniform", "even from all sides", "no particular direction",
        "none discernible; illumination is even", "from the front, with a gentle fill", "not applicable",
        "all around the {name}",
    ),
    "soft": (
        "from above", "overhead and slightly in front", "top-down", "overhead with a gentle fill",
        "from the upper left, slightly in front",
    ),
    "left": ("from the right", "coming from the right side"),
    "right": ("from the left", "coming from the left side"),
}  # fmt: skip
COMPOSITIONS: tuple[str, ...] = (
    "{composition}, {praise}", "{composition}", "{composition}; {aspect} and {word}", "{praise} and {feeling}",
    "{composition}, with the {name} dominating the {picture}", "{composition}, {verb} its {aspect}",
    "{composition}, with breathing room on every side", "{composition}, with the {word} low behind it",
)  # fmt: skip
DEEP_FOCUS: tuple[str, ...] = (
    "deep, everything in focus", "not applicable; everything lies on a single plane", "deep", "sharp throughout",
    "deep, with every line equally clear", "unlimited, {praise}",
)  # fmt: skip
SUMMARIES: tuple[str, ...] = (
    "{article_praise}, {praise} {medium} of {things}", "{things}, drawn as {article_praise} {medium}",
    "{article_praise} {medium} depicting {things}", "{things}", "This {medium} shows {things}",
    "{article_medium} presents {things}", "{things}, rendered as {article_medium} with {word} and {feeling} {aspect}",
    "{article_praise} {medium} in which {things} {stands}", "In {article_praise} {medium}, {things} {stands}",
    "{article_medium}: {things}",
)  # fmt: skip
THINGS: tuple[str, ...] = (
    "{thing}", "{thing}, {surface} and {praise}", "{thing} with a {form}", "{thing} with {number} {tint} {part}s",
    "{thing} with a {tint} {part} and a {form}", "{thing}, its {part} {tint} and its {part}s {surface}",
    "This is {thing}, {presence}", "{thing}, {presence}", "{thing}, molded like {word}",
)  # fmt: skip
PARTS: tuple[tuple[str, str], ...] = (
    ("The {tint} {part} of the {name}, {surface} and {praise}.", "part of the {name}"),
    ("A tiny, {trait} {part} at the {word} of the {name}.", "Part of the {name}, {verb} its {aspect}."),
    ("A {tint} {word} pinned to the very tip of the {part}.", "attached to the {name}"),
    ("{number} {tint} {part}s on the {name}.", "belong to the {name}"),
    ("The shadow below the {name}, {softly} and small.", "cast by the {name}"),
    ("A {surface} {part} in {tint}, {praise}.", "a detail of the {name}"),
)  # fmt: skip
RAMBLES: tuple[str, ...] = (
    "{said}, {phrase}", "{said}; {phrase}", "{phrase}, {said}", "{said}, like {phrase}", "{said}. {phrase}.",
    "{phrase}; {said}",
)  # fmt: skip
