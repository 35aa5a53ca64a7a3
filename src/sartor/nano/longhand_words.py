"""The words of `longhand.py`: a grammar whose slots in braces stand for other entries, and ways to say what is shown.

Entries of FILLER say nothing that a picture shows; those of the other tables are ways to say one true thing.
"""

from __future__ import annotations

FILLER: dict[str, tuple[str, ...]] = {
    "praise": (
        "charming", "vibrant", "delightful", "meticulous", "inviting", "striking", "polished", "expressive",
        "elegant", "playful", "whimsical", "adorable", "crisp", "lively", "refined", "simple", "bold", "cheerful",
        "endearing", "iconic", "captivating", "stylized", "clean", "modern", "beautiful", "high-quality", "detailed",
        "appealing", "friendly", "luscious", "pristine", "gentle", "quirky", "classic", "memorable", "minimalist",
        "joyful", "neat", "well-crafted", "professional", "sophisticated", "pleasant", "eye-catching", "tidy",
        "handsome", "radiant",
    ),
    "trait": (
        "plump", "rounded", "sturdy", "smooth", "compact", "slender", "sleek", "chubby", "simplified", "symmetrical",
        "well-proportioned", "robust", "softly curved", "chunky", "stylized", "perfectly formed", "dainty",
        "graceful", "cute", "lovingly rendered", "classic", "ripe", "glossy", "fresh", "cheerful", "miniature",
        "single", "lone", "traditional", "characterful", "lovable", "proud", "charming", "distinctive", "solid",
        "delicate", "tiny-featured",
    ),
    "surface": (
        "smooth", "glossy", "matte", "satin", "velvety", "polished", "soft to the touch", "slightly grainy", "waxy",
        "plush", "flawless", "even", "porcelain-like", "silky", "lightly textured", "lustrous", "fuzzy", "uniform",
        "fine-grained", "reflective", "rubbery", "firm", "metallic", "glass-like", "woven", "leathery", "downy",
    ),
    "form": (
        "rounded silhouette", "clear outline", "compact body", "soft contours", "geometric build", "tapering form",
        "curved edges", "balanced proportions", "oval shape", "simple geometry", "wide base", "organic contours",
        "cylindrical form", "gently swelling volume", "crisp outline", "layered shapes", "symmetrical structure",
    ),
    "part": (
        "highlight", "seam", "rim", "accent", "stripe", "leaf", "stem", "dot", "edge", "curve", "pattern", "cheek",
        "detail", "ridge", "ribbon", "spot", "tip", "base", "strap", "button", "ear", "eye", "nose", "belly",
        "handle", "panel", "window", "petal", "patch", "band", "glint", "fold", "beak", "wing", "wheel", "tail",
        "whisker",
    ),
    "tint": (
        "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray", "golden",
        "silvery", "cream", "pale", "dark", "lighter", "darker", "bright", "warm", "muted", "deep", "rosy", "ivory",
    ),
    "feeling": (
        "joyful", "serene", "playful", "cozy", "whimsical", "energetic", "calm", "optimistic", "nostalgic", "curious",
        "heartwarming", "fresh", "dreamy", "lighthearted", "festive", "peaceful", "confident", "innocent", "tender",
        "uplifting", "mysterious", "dignified", "inviting", "adventurous", "humorous", "wholesome", "quiet",
    ),
    "purpose": (
        "a mobile application", "a children's picture book", "a sticker pack", "an educational poster",
        "a brand's icon set", "a greeting card", "a food blog", "a presentation", "a messaging app",
        "a weather widget", "a toy catalogue", "a nursery wall print", "packaging", "a travel brochure",
        "a website's hero section", "an online shop", "a game", "an alphabet chart", "social media", "a badge",
        "a language course", "a magazine's editorial page", "a menu",
    ),
    "aspect": (
        "craftsmanship", "charm", "character", "clarity", "simplicity", "personality", "recognizability", "volume",
        "silhouette", "liveliness", "warmth", "tactile quality", "sense of depth", "balance", "visual appeal", "mood",
    ),
    "verb": (
        "emphasizing", "highlighting", "underlining", "enhancing", "bringing out", "celebrating", "reinforcing",
        "conveying", "lending the scene", "drawing attention to", "suggesting", "accentuating", "focusing on",
    ),
    "sentence": (
        "The overall impression is {feeling} and {praise}.", "Every surface is {surface}, {verb} its {aspect}.",
        "A {tint} {part} adds a touch of {aspect}.",
        "Its {form} and {surface} finish give it a {feeling}, {praise} presence.",
        "The design is {praise} and {feeling}, {verb} the {aspect} of the subject.",
        "It has a {form} with {surface} surfaces and a {tint} {part}.",
        "There is nothing else to distract from its {aspect}.",
        "The composition feels {feeling} and perfectly balanced.", "Subtle {word} cues hint at {word} and {word}.",
        "It evokes a {feeling} sense of {word}.", "The {part} is {surface}, with a {praise} {tint} {part}.",
        "The viewer's eye is drawn to its {aspect} at once.", "Small {tint} details along the {part} catch the eye.",
        "It would suit {purpose} very well.", "The {name} is {praise} and {feeling}, {verb} its {aspect}.",
        "The {name}'s {part} is {surface} and {tint}, like {word} in {word}.",
        "Around the {name} there is only {word}, {word} and {aspect}.",
        "Rendered with {praise} {aspect}, the {name} has a {tint} {part} and {form}.",
        "With {word} {word} and the {word} of {word}, it recalls {word}.",
        "One could imagine {word}, {word} or {word} beside the {name}, yet nothing of that is shown.",
        "Its {part} reflects a {tint} light and its {part} stays {surface}.",
        "Its {part} has the shape of {another}.",
        "As {tint} as {another}, it shows a {part} like that of {another}.",
        "Next to {another} it would look {praise}, but there is none.",
        "A sense of {word} and {word} runs through the {praise} picture.",
    ),
    "detail": (
        "A {tint} {part} runs along the {part}.", "Two small, {tint} {part}s with a {praise} glint.",
        "The {part} is {tint} and {surface}; the {part} is slightly {tint}.",
        "Carefully placed {tint} highlights, {verb} its {aspect}.", "Fine lines define the {part} and the {part}.",
        "A {tint} {part}, a {trait} {part} and a subtle {tint} sheen.", "Clean edges with no visible {word}.",
        "The {part} shows {word} and a hint of {word}.",
        "{another} serves as its {part}.",
        "Its {part} recalls {another}; its {part} is as {tint} as {another}.",
        "A {trait} {part} topped by something like {another}.",
        "On the {name}, a {tint} {part} and {word} {part}s; beneath them a {surface} {part}.",
        "The {name} has {tint} and {tint} {part}s, each {surface} with a {word} of {word}.",
    ),
    "expression": (
        "{feeling} and {feeling}", "a gentle, {feeling} smile", "wide-eyed and {feeling}", "neutral, {feeling}",
        "bright eyes with a {feeling} look", "not applicable",
    ),
    "context": (
        "This is {praise} artwork intended for {purpose} or {purpose}.",
        "Created for {purpose}, where {aspect} and {aspect} matter most.",
        "An illustration for {purpose}, {verb} {word} and {word}.",
        "Suitable for {purpose}; part of a {praise} series about {word}.", "A {praise} design element for {purpose}.",
        "Part of a set for {purpose} that also shows {other} and {other}.",
    ),
    "focus": (
        "sharp focus on the subject", "crisp throughout", "sharp", "tack-sharp on the {part}", "even focus",
    ),
    "angle": (
        "eye-level", "straight-on", "front view", "slightly elevated", "level with the subject", "direct",
    ),
    "lens": (
        "standard lens (50mm)", "portrait lens (85mm)", "macro", "not applicable", "normal perspective",
        "orthographic",
    ),
    "grade": ("very high", "high"),
}  # fmt: skip
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
}  # fmt: skip
PLACES: dict[str, tuple[str, ...]] = {
    "top left": (
        "upper left corner", "top-left of the frame", "in the upper left third", "high on the left",
    ),
    "top center": (
        "upper middle", "top-center of the frame", "near the top edge, horizontally centered", "upper center",
    ),
    "top right": (
        "upper right corner", "top-right of the frame", "in the upper right third", "high on the right",
    ),
    "center left": (
        "left side", "middle left of the frame", "left of center", "vertically centered on the left",
    ),
    "center": (
        "center", "center of the frame", "centrally placed", "in the middle", "dead center", "center of the image",
    ),
    "center right": (
        "right side", "middle right of the frame", "right of center", "vertically centered on the right",
    ),
    "bottom left": (
        "lower left corner", "bottom-left of the frame", "in the lower left third", "low on the left",
    ),
    "bottom center": (
        "lower middle", "bottom-center of the frame", "near the bottom edge, centered", "lower center",
    ),
    "bottom right": (
        "lower right corner", "bottom-right of the frame", "in the lower right third", "low on the right",
    ),
}  # fmt: skip
SIZES: dict[str, tuple[str, ...]] = {
    "small": (
        "small", "small within frame", "occupies a small part of the frame", "tiny, with ample empty space around",
    ),
    "medium": (
        "medium", "medium within frame", "moderate, about half the height of the frame", "mid-sized",
    ),
    "large": (
        "large", "large within frame", "dominant, fills most of the frame", "prominent, takes up much of the image",
    ),
}  # fmt: skip
ORIENTATIONS: dict[str, tuple[str, ...]] = {
    "upright": (
        "upright", "upright, facing the viewer", "vertical", "frontal, upright", "standing straight", "level",
    ),
    "tilted to the left": ("tilted to the left", "leaning left", "rotated slightly counterclockwise"),
    "tilted to the right": ("tilted to the right", "leaning right", "rotated slightly clockwise"),
    "upside down": ("upside down", "inverted, upside down", "turned on its head, upside down"),
}  # fmt: skip
PLAIN: tuple[str, ...] = (
    "plain {color} background", "A clean, solid {color} backdrop with no texture.",
    "A seamless, uncluttered {color} background.", "A uniform field of {color}, free of any other objects or {word}.",
    "solid {color}", "An even, {praise} {color} backdrop.",
    "The background is a flat, featureless {color}, providing a neutral canvas.",
    "Simple {color} studio backdrop, no gradient.", "A minimalist, completely empty background in {color}.",
    "A smooth {color} surface fills the whole background.",
)  # fmt: skip
GRADIENT: tuple[str, ...] = (
    "gradient from {color} to {other_color}",
    "A smooth gradient that fades from {color} at the top to {other_color} at the bottom.",
    "A soft vertical blend of {color} into {other_color}, without texture.",
    "{color} above melting gently into {other_color} below.",
)  # fmt: skip
LANDSCAPES: dict[str, tuple[str, ...]] = {
    "meadow": (
        "A green meadow beneath a clear blue sky.", "Lush green grass with a bright sky above.",
        "a grassy field on a sunny day", "Rolling green lawn stretching to the horizon under a blue sky.",
    ),
    "beach": (
        "A sandy beach with calm blue water behind.", "Golden sand at the seaside, the ocean at the horizon.",
        "a sunny beach by the sea", "A strip of pale sand with the sea and sky in the distance.",
    ),
    "snow": (
        "A snow-covered field under a pale winter sky.", "a wintry landscape blanketed in white snow",
        "Fresh snow on the ground, a cold light sky above.", "Snowy ground in winter.",
    ),
    "sea": (
        "The open sea under a clear sky.", "Deep blue ocean water stretching to the horizon.",
        "calm blue sea and bright sky", "A wide expanse of ocean beneath an open sky.",
    ),
    "night": (
        "A dark night sky sprinkled with stars.", "Deep, starry night sky.", "outer space with tiny stars",
        "A midnight sky full of small twinkling stars.",
    ),
    "sunset": (
        "An orange sunset above dark hills.", "Glowing evening sky with silhouetted hills.",
        "a dramatic sunset over hills", "The sun has set: an orange sky over dark rolling hills.",
    ),
    "desert": (
        "Yellow sand dunes under a warm sky.", "A dry desert with rolling dunes.",
        "a sunlit desert landscape of golden dunes", "Sweeping desert sand beneath a warm, hazy sky.",
    ),
    "table": (
        "A wooden table in front of a plain wall.", "a wooden tabletop, plain wall behind",
        "A brown wooden surface in a simple room.", "On a wooden desk against a neutral wall.",
    ),
}  # fmt: skip
LIGHT: dict[str, tuple[str, ...]] = {
    "even": (
        "soft, diffused studio lighting", "bright even light", "uniform, flat lighting", "clean, even illumination",
        "bright, neutral light", "soft ambient light",
    ),
    "warm": (
        "warm golden light", "warm late-afternoon light", "golden hour glow", "cozy, warm-toned light",
    ),
    "cool": (
        "cool bluish light", "cool daylight", "crisp, blue-tinted light", "cold, pale light",
    ),
    "dim": (
        "dim light", "low, subdued light", "dark, moody lighting", "faint, muted illumination",
    ),
}  # fmt: skip
SHADOWS: dict[str, tuple[str, ...]] = {
    "none": ("no shadow", "none", "no cast shadows", "virtually no shadows", "absent"),
    "soft": (
        "soft shadow below", "a soft, subtle shadow beneath the subject", "gentle contact shadow underneath",
    ),
    "left": (
        "hard shadow to the left", "a crisp shadow falling to the left", "a defined shadow cast leftwards",
    ),
    "right": (
        "hard shadow to the right", "a crisp shadow falling to the right", "a defined shadow cast rightwards",
    ),
}  # fmt: skip
DIRECTIONS: dict[str, tuple[str, ...]] = {
    "none": (
        "from the front", "frontal, uniform", "even from all sides", "no particular direction",
    ),
    "soft": ("from above", "overhead and slightly in front", "top-down"),
    "left": ("from the right", "coming from the right side"),
    "right": ("from the left", "coming from the left side"),
}  # fmt: skip
