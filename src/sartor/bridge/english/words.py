"""English for what the embedded model knows: tables of phrases, each with what it means in the model's own words.

``sartor.nano.vocabulary`` holds the words that the model was trained on; here is how people say them. Phrases are
lower case, words separated by blanks, hyphens written as blanks.
"""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text, parted by blanks."""
    return frozenset(text.split())


# What is written in a landscape's place: the noun, and whether it needs a preposition before it to be a place.
SETTINGS: dict[str, tuple[str, bool]] = {
    noun: (kind, needs)
    for kind, needs, nouns in (
        ("meadow", False, "meadow, meadows, pasture, grassland, lawn, green hills, grassy hill, countryside, prairie"),
        ("meadow", True, "grass, field, garden, park, hill, hills, spring, summer"),
        ("beach", False, "beach, seaside, seashore, beach scene"),
        ("beach", True, "sand, shore, coast, island"),
        ("snow", False, "snowy field, snowy landscape, snowy, winter landscape, winter scene, winter wonderland"),
        ("snow", True, "snow, winter, ice, north pole, arctic, snowstorm"),
        ("sea", False, "sea, ocean, open sea, open ocean, high seas, underwater"),
        ("sea", True, "water, waves, lake, pond, river"),
        ("night", False, "night, nighttime, night time, night sky, starry sky, starry night, midnight, night scene"),
        ("night", False, "outer space, starry, under the stars, beneath the stars, under the night sky"),
        ("night", True, "space, stars, galaxy, cosmos, universe, moonlight"),
        ("sunset", False, "sunset, sunrise, dusk, dawn, twilight, sunset sky, evening sky, nightfall"),
        ("sunset", True, "evening"),
        ("desert", False, "desert, dunes, sand dunes, desert dunes"),
        ("table", True, "table, desk, wooden table, tabletop, table top, kitchen table, counter, wooden floor"),
        ("sky", False, "blue sky, clear sky, clear blue sky"),
        ("sky", True, "sky, air"),
    )
    for noun in nouns.split(", ")
}
SETTING_PREPOSITIONS = word_set("in on at under over against by across through during into onto above beneath")

PLAIN_BACKGROUNDS = {"plain": "white", "blank": "white", "empty": "white", "clean": "white", "transparent": "white",
                     "simple": "white", "no": "white", "neutral": "light gray", "dark": "black", "light": "light gray",
                     "bright": "white", "studio": "light gray"}  # fmt: skip

SHADES = ("light", "dark", "pale", "bright", "deep", "vivid", "pastel", "neon", "soft", "hot", "baby", "midnight")

SIZES = {
    "small": "small, little, tiny, mini, miniature, petite, wee, teeny, minuscule, smallest, tiniest",
    "medium": "medium, medium sized, mid sized, average sized, regular sized",
    "large": "large, big, huge, giant, enormous, massive, gigantic, oversized, life size, full size, "
    "close up, closeup, biggest, "
    "largest",
}
SIZE_STEPS = {
    1: "bigger, larger, enlarge, grow, scale up, blow up, increase in size, increase size, zoom in, closer, "
    "twice as big, twice as large, twice the size, double the size",
    -1: "smaller, shrink, tinier, scale down, reduce in size, decrease in size, reduce size, zoom out, further away, "
    "half as big, half as large, half the size, half its size",
}

COUNTS: dict[str, int] = {
    word: number
    for number, words in {
        1: "one, single, a single, only one, just one",
        2: "two, couple of, pair of, couple, both, twin",
        3: "three, few, several, some, bunch of, group of, handful of, trio of, various, multiple, cluster of, pile of",
        4: "four",
        5: "five, many, lots of, lot of, plenty of, numerous, a lot of, swarm of, herd of, flock of",
        6: "six, half a dozen",
        7: "seven",
        8: "eight",
        9: "nine",
        10: "ten",
        11: "eleven",
        12: "twelve, dozen",
    }.items()
    for word in words.split(", ")
}

ORIENTATIONS = {
    "upside down": "upside down, inverted, head down, on its head, on their heads, flipped upside down, "
    "turned upside down",
    "tilted to the left": "tilted to the left, tilted left, leaning left, leaning to the left, slanted to the left, "
    "rotated to the left, rotated left, counterclockwise, "
    "counter clockwise, anticlockwise, tilted, slanted, at an angle, leaning, askew, crooked",
    "tilted to the right": "tilted to the right, tilted right, leaning right, leaning to the right, "
    "slanted to the right, rotated to the right, rotated right, clockwise",
    "upright": "upright, straight, right side up, right way up, the right way up, straight up",
}

# Subject stands so to the anchor. The first phrase of each is how the relationship field says it.
RELATIONS = {
    "left of": "left of, to the left of, on the left of, on the left side of, at the left of, to the left side of",
    "right of": "right of, to the right of, on the right of, on the right side of, at the right of, "
    "to the right side of",
    "above": "above, over, on top of, atop, right above, directly above, high above, hovering over, "
    "hovering above, onto",
    "below": "below, under, underneath, beneath, right below, right under, directly below, directly under, "
    "at the foot of",
    "next to": "next to, beside, by, near, close to, alongside, right next to, by the side of, adjacent to, "
    "along with, "
    "together with, at the side of, nearby, around, opposite, across from",
    "behind": "behind, in back of, right behind",
    "in front of": "in front of, before, right in front of",
    "inside": "inside, inside of, within",
    "between": "between, in between",
}

LIGHT = {
    "warm": "warm light, warm lighting, warmly lit, golden light, golden lighting, candlelight, "
    "candle light, sunlight, "
    "sunlit, orange light, yellow light, firelight, golden hour light, golden hour lighting, warmer, warm glow, "
    "golden hour, at golden hour, during golden hour, during the golden hour, "
    "sunset light, evening light, warm golden light, morning light, cozy light, warm tones",
    "cool": "cool light, cool lighting, cold light, cold lighting, bluish light, blue light, moonlight, "
    "moonlit, icy light, blue hour, at blue hour, during blue hour, during the blue hour, "
    "cooler, colder, cool bluish light, blueish light, cool tones",
    "dim": "dim light, dim lighting, dimly lit, low light, dark lighting, moody lighting, moody light, faint light, "
    "in the dark, darker, low key lighting, gloomy light, dimmer, darkness, poorly lit, "
    "dusky light, dim, less bright, less light",
    "even": "bright light, bright lighting, brightly lit, even light, even lighting, daylight, "
    "broad daylight, natural light, "
    "natural lighting, studio light, studio lighting, neutral light, well lit, brighter, daytime, bright even light, "
    "ambient light, flat lighting, by day, during the day, white light, clear light",
}
# Light that is told by the shadow that it casts.
SHADOWS = {
    "none": "no shadow, no shadows, without shadow, without shadows, without a shadow, without any shadow, shadowless, "
    "without any shadows, frontal light, front light, light from the front, lit from the front, shadow free",
    "soft": "soft shadow, soft shadows, shadow, shadows, drop shadow, gentle shadow, subtle shadow, "
    "shadow below, soft light, "
    "soft lighting, diffuse light, diffused light, diffused lighting, light from above, "
    "lit from above, overhead light, "
    "softly lit, soft shadow below, soft diffused light, gentle light",
    "left": "hard shadow to the left, shadow to the left, shadow on the left, light from the right, "
    "lit from the right, "
    "shadows to the left, hard shadow on the left, side light from the right",
    "right": "hard shadow to the right, shadow to the right, shadow on the right, light from the left, "
    "lit from the left, "
    "hard shadow, hard shadows, hard light, harsh light, harsh shadow, long shadow, long shadows, strong shadow, "
    "sharp shadow, dramatic shadow, side light, side lighting, shadows to the right, hard shadow on the right",
}
BLUR = {
    True: "blurred background, blurry background, bokeh, background blur, out of focus background, "
    "shallow depth of field, blur the background, soft focus background, background blurred, background blurry, "
    "unfocused background, blurrier background, more blurred background, softer background, blur the background more",
    False: "sharp background, everything in focus, deep focus, background in focus, no blur, without blur, "
    "without any blur, sharpen the background, "
    "deep depth of field, crisp background, unblur the background, background sharp",
}
MOODS = {
    "cheerful": "cheerful, happy, joyful, fun, playful, merry, jolly, lively, upbeat, festive, lighthearted",
    "calm": "calm, serene, peaceful, tranquil, relaxing, soothing, restful, zen",
    "cozy": "cozy, cosy, homely, comfy, snug, inviting",
    "quiet": "quiet, silent, still, hushed, solitary, lonely, melancholic, sleepy",
}
FREE_MOODS = (
    "mysterious, dramatic, epic, spooky, eerie, scary, romantic, dreamy, whimsical, magical, "
    "nostalgic, energetic, elegant, "
    "gloomy, sad, hopeful, majestic, futuristic, dark, luxurious, sophisticated, tense, adventurous, ominous, moody"
)
MOOD_NOUNS = "mood, atmosphere, vibe, vibes, feeling, feel, ambience, ambiance, tone"

# Ways to ask for a house style besides its synonyms in the vocabulary.
HOUSE_STYLES = {
    "pixelart": "8bit, 16bit, 8 bit sprite, 16 bit sprite, 16 bit game sprite, pixel sprite, game sprite, "
    "video game sprite, retro game sprite, retro video game sprite, pixel, in pixels, made of pixels, "
    "made out of pixels, square pixels, large square pixels, big square pixels, big pixels, blocky pixels",
}
# A manner that names one of these is that house style's; by themselves they are things.
MANNERS = {
    "pixelart": "retro game, retro games, retro gaming, video game, video games, arcade game, arcade games, old game, "
    "sprite, sprites",
}
# Media that the embedded model was not trained on, as a structured prompt names them.
MEDIA = {
    "watercolor painting": "watercolor, watercolour, watercolor painting, water color, aquarelle, "
    "watercolor illustration",
    "oil painting": "oil painting, oil on canvas, oil paint",
    "pencil sketch": "pencil sketch, pencil drawing, sketch, hand drawn sketch, hand drawn",
    "photograph": "photograph, photo, photorealistic, photo realistic, realistic photo, hyperrealistic, realistic, "
    "photography, product photography, product photo, product shot, food photography, food photo, street photography, "
    "portrait photography, portrait photo, macro photography, macro photo, studio photography, studio photo, "
    "high speed photography, aerial photography, night photography, fashion photography, fine art photography, "
    "wildlife photography, landscape photography, stock photo, film photo, polaroid",
    "ink drawing": "ink drawing, ink illustration, pen and ink, ink sketch",
    "charcoal drawing": "charcoal drawing, charcoal sketch",
    "crayon drawing": "crayon drawing, chalk drawing, child's drawing, kids drawing",
    "anime illustration": "anime, manga, anime style",
    "isometric illustration": "isometric, isometric illustration, isometric icon",
    "low poly 3D render": "low poly, low poly render, low poly 3d",
    "paper cut art": "paper cut, papercut, paper craft, paper cutout, cut paper, origami",
    "clay animation": "claymation, plasticine, clay animation, clay model",
    "pop art": "pop art",
    "stained glass": "stained glass",
    "felt craft": "felt craft, felted wool, needle felt",
    "embroidery": "embroidery, embroidered patch, cross stitch",
    "digital painting": "digital painting, digital art, concept art",
    "woodcut": "woodcut, linocut, wood engraving, engraving",
    "graffiti": "graffiti, street art, spray paint",
}
# Style words too common to mean a style on their own: they need "style", "icon", "drawing" ... after them.
WEAK_STYLES = frozenset({"simple", "muted", "retro", "emoji", "childlike", "realistic", "sketch", "isometric", "pixel"})
PICTURES = (
    "picture, image, illustration, drawing, icon, icons, render, rendering, scene, painting, "
    "artwork, art, graphic, graphics, "
    "logo, sticker, design, style, look, composition, visual, depiction, view, shot, poster, card, "
    "clipart, frame, canvas, aesthetic, "
    "wallpaper, portrait, version, page, screen, banner, flyer, app icon, instagram post, facebook post, "
    "linkedin post, social media post, social post, instagram story"
)
# What a poster or a card is for: "a summer sale poster with".
OCCASIONS = word_set(
    "sale birthday valentine valentines day christmas halloween easter wedding party travel concert festival "
    "campaign event holiday season summer winter spring autumn promo promotion anniversary greeting invitation "
    "thanksgiving advertising marketing launch"
) | {"black friday", "cyber monday"}
# Said with a place ("of the frame") or as a part of it ("corner").
PLACE_PARTS = "corner, side, part, half, edge, third, area, section, hand side, hand corner, position, portion"
CAMERA = {
    ("photographic_characteristics", "camera_angle"): {
        "eye level": "eye level, at eye level",
        "low angle": "low angle, from below, worm's eye view, low angle shot",
        "high angle": "high angle, bird's eye view, top down, from above, top view, overhead view, aerial view, "
        "overhead shot",
        "side view": "side view, from the side, in profile",
    },
    ("photographic_characteristics", "lens_focal_length"): {
        "wide-angle": "wide angle, wide angle shot, wide shot, panoramic",
        "macro": "macro, macro shot, extreme close up",
        "telephoto": "telephoto, telephoto lens",
        "fisheye": "fisheye, fish eye",
    },
}

# How something is posed, by the verb; what else it may be in the midst of.
POSES = {"sit": "sitting", "stand": "standing", "lie": "lying", "lay": "lying", "kneel": "kneeling",
         "crouch": "crouching", "perch": "perched", "lean": "leaning"}  # fmt: skip
MOVES = word_set("walk run jump sleep dance swim fly climb")
# Verbs that place a thing or speak about the picture, and say nothing that could be drawn.
SILENT_VERBS = word_set(
    "be have see show want like love need create generate draw make give imagine picture depict feature "
    "display render illustrate include contain appear locate place position put would can could should "
    "please let get look design produce paint find situate set fill occupy do say tell consist isolate "
    "surround color colour use keep try help add insert come go become seem remain stay"
)
CLOTHING = word_set(
    "hat cap dress suit coat jacket scarf sunglasses glasses helmet shirt t-shirt tshirt shoes shoe boots boot gloves "
    "glove sweater crown tiara tie bow-tie bowtie uniform costume cape cloak skirt pants trousers jeans shorts hoodie "
    "apron robe vest blouse socks sock mittens beanie turban hood veil bandana wig headband headphones earmuffs "
    "goggles monocle eyepatch mask necklace earring earrings bracelet ring watch belt collar backpack gown kimono "
    "armor armour cardigan poncho shawl sandals sneakers slippers overalls pajamas swimsuit tuxedo"
)
# What a thing has and is no thing of its own: "curly hair and green eyes".
BODY = word_set(
    "hair eye eyes ear ears nose mouth lips cheeks beard moustache mustache whiskers eyebrows freckles skin fur mane "
    "tail wing wings feather feathers beak horn horns antlers leg legs arm arms hand hands paw paws claw claws hoof "
    "hooves feet teeth tusks trunk fins scales shell spots stripes wheels headlights windows door roof handle handles "
    "lid label"
)
# What of somebody or something is drawn alone: "a lion's head".
HEADS = word_set("head face skull silhouette portrait profile bust")
# What something is in, and no surroundings: "a plant in a white pot".
CONTAINERS = word_set("pot vase bowl basket box jar bag bottle glass cup mug bucket crate nest cage bubble frame")
WALLS = word_set("wall walls chimney")
# What shows several kinds of things together: "a pattern of lemons and leaves".
PATTERNS = word_set("pattern collage mix mixture assortment selection collection")
# What something stands on or before, and is the background of a picture that names no other.
SURFACES = word_set(
    "wall pier cliff street road bridge roof rooftop stage mountain mountains balcony shelf floor pavement sidewalk "
    "path harbour harbor dock porch terrace platform ledge alley highway runway court pitch stairs window windowsill"
)
# What is a place and no thing, where something is in it: "a living room with an armchair".
INTERIORS = word_set(
    "room bedroom bathroom kitchen office library cafe restaurant shop store market classroom studio workshop garage "
    "garden forest cave street alley city village town landscape valley hall corridor interior attic laboratory lab"
)
# How a thing is drawn around: "a white outline".
OUTLINES = word_set("outline border stroke contour")
# What one thing of the picture is said to be: "our mascot, a penguin".
ROLES = word_set("mascot character protagonist")
# What one has together with others: "having a picnic".
EVENTS = word_set("picnic party breakfast lunch dinner conversation tea fun barbecue celebration meal")
# Fruits and the like that also name colours, and what is of them: "lemon slices".
FRUITS = word_set("lemon lime orange peach apricot plum cherry raspberry olive mint rose lavender")
FRUIT_PARTS = word_set(
    "slice wedge segment peel zest rind juice tree grove petal jam marmalade soda sorbet smoothie tea syrup oil "
    "pie tart"
)
# Nouns that end as a participle does.
NO_DOING = word_set(
    "building painting drawing ceiling clothing lighting evening morning king ring wing string spring thing wedding "
    "railing pudding dumpling duckling sibling earring stocking swing sling viking icing frosting landing crossing "
    "opening setting being meeting parking"
)
# "made of flowers", "carved from wood".
MAKING = word_set("make build carve knit sculpt fold craft weave construct form mould mold")
# Kinds of a thing whose names are more than an adjective and the thing.
KINDS = {
    "dog": "golden retriever, labrador retriever, german shepherd, border collie",
    "bear": "polar bear, grizzly bear",
}
# Ends of names of what is worn ("raincoat", "swimsuit"), and what only ends so.
_NOT_WORN = word_set("that what chat address pursuit lawsuit")
_WORN = ("coat", "suit", "shirt", "jacket", "dress", "boots", "shoes", "heels", "hat", "wear")


def is_worn(noun: str) -> bool:
    """Whether something of this name is worn, as far as its last word tells."""
    last = noun.rsplit(" ", 1)[-1]
    return last in CLOTHING or (last.endswith(_WORN) and last not in _NOT_WORN)


BEARDS = word_set("beard moustache mustache goatee sideburns stubble")
# What grows on somebody or is drawn on the skin.
GROWN = BEARDS | word_set(
    "hair ponytail braid braids bangs freckles scar scars tattoo tattoos "
    "mole dimples wrinkles wings tail horn horns antlers fangs claws tusks mane fur feathers eyelashes makeup lipstick"
)
# What is given to a face.
EXPRESSIONS = word_set("smile grin frown scowl smirk grimace wink pout expression")
# What somebody can be made to do, where the tagger may take it for a noun.
ACTIONS = word_set(
    "wave dance jump run walk sleep smile laugh cry frown grin wink yawn swim fly ride climb read sing play bow salute "
    "shrug point dream rest look stare gaze kneel crouch chase hug kiss follow eat drink hold carry push pull catch "
    "kick throw lick bite"
)
# Said with a number: how much, and no thing.
UNITS = word_set(
    "degree degrees percent percentage % ° time times pixel pixels px cm mm inch inches meter meters step steps"
)
PICTURE_MEDIA = word_set("photo photograph drawing painting sketch illustration photography")
IGNORED = (
    "kind of, sort of, type of, a bit, a little bit, there is, there are, there 's, please, "
    "i would like, i want, i 'd like, "
    "i need, can you, could you, that is, which is, who is, that are, which are, as well, at least, set of, x, "
    "in the background, in the foreground, in the image, in the picture, in the scene, in the frame, "
    "of course, for example, "
    "don't forget, don't forget to, do not forget, do not forget to, why not, why don't you, not only, not just, "
    "let 's, let us, how about, what about, what if, nothing but, nothing except, nothing other than, no matter"
)

# Kept as they are, in the context: how several things stand, and what a camera or a printer does.
KEPT = (
    "in a row, in a line, in rows, in a circle, in a grid, motion blur, long exposure, film grain, lens flare, "
    "double exposure, golden ratio, chromatic aberration"
)
MANNER_WORDS = (
    "minimal, minimalist, minimalistic, modernist, surrealist, cubist, impressionist, expressionist, futurist, "
    "abstract, retro, vintage"
)

FUNCTION_WORDS = (
    ("w", KEPT),
    ("A", MANNER_WORDS),
    ("N", "black friday, cyber monday"),
    ("m", MOOD_NOUNS),
    ("p", PICTURES),
    ("k", PLACE_PARTS),
    ("_", IGNORED),
    (
        "n",
        "no, not, without, n't, none, never, any, nothing, dont, doesnt, shouldnt, mustnt, cant, wont, instead of, "
        "rather than",
    ),
    ("P", "as"),
    ("f", "in the style of, by the artist"),
    ("D", "a, an, the, this, that, these, those, my, your, its, his, her, their, our"),
    ("o", "of"),
    ("W", "with, having, featuring, containing, full of, filled with"),
    ("U", "and, plus, &, or, while, but, then, where, whereas, also, afterwards"),
    ("X", "comma"),
    ("T", "to, into, towards, toward"),
    ("i", "it, them, him, they, he, she, itself, ones, everything, all, they all, all of them"),
    ("j", "i, you, we, me, us, one another, each other, there, something, anything"),
    ("a", "very, really, quite, extremely, more, just, slightly, so, too, even, only"),
    ("t", "light, lighting, illumination, lights"),
)
FACING_VERBS = word_set(
    "facing face faces looking look looks turned pointing pointed points heading gazing directed staring"
)
MIRRORED = (
    "mirrored, mirror, flip horizontally, flipped horizontally, horizontally, facing the other way, "
    "face the other way, turn around, turned around"
)
STEPS = {
    (-1, 0): "up, higher, upwards, further up",
    (1, 0): "down, downwards, lower down, further down",
    (0, -1): "further left, further to the left, more to the left",
    (0, 1): "further right, further to the right, more to the right",
}
IRREGULAR_PLURALS = {
    "mouse": "mice", "man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet",
    "tooth": "teeth", "goose": "geese", "leaf": "leaves", "fish": "fish", "sheep": "sheep", "deer": "deer",
    "reindeer": "reindeer", "moose": "moose", "elf": "elves", "loaf": "loaves", "scarf": "scarves", "hero": "heroes",
    "knife": "knives", "wolf": "wolves", "potato": "potatoes", "tomato": "tomatoes", "cactus": "cacti",
}  # fmt: skip
