"""The things of the embedded model's world, and what each is called.

CONCEPTS are what the shipped checkpoint draws and what the offline bridge knows: FIRST_CONCEPTS, which is all that a
model trained on a CPU has the time to learn, and MORE_CONCEPTS, drawn besides by one that a GPU trains (the dial's
`more_things`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Concept:
    """A thing that the model can draw: its name, its emoji (the key into the emoji sets), and other names for it."""

    name: str
    emoji: str
    group: str
    synonyms: tuple[str, ...] = ()
    plural: str = ""
    faces: str = ""  # the side it looks to in every style ("left"), empty where the sets differ or it is symmetric

    @property
    def plural_name(self) -> str:
        if self.plural:
            return self.plural
        if self.name.endswith(("s", "x", "ch", "sh")):
            return self.name + "es"
        return self.name + "s"


def _concepts(group: str, *rows: str) -> list[Concept]:
    """Rows of 'emoji name [| synonym, synonym] [| plural] [| faces]'."""
    concepts = []
    for row in rows:
        head, *rest = [part.strip() for part in row.split("|")]
        emoji, name = head.split(" ", 1)
        synonyms = tuple(s.strip() for s in rest[0].split(",") if s.strip()) if rest else ()
        plural = rest[1] if len(rest) > 1 else ""
        faces = rest[2] if len(rest) > 2 else ""
        concepts.append(Concept(name, emoji, group, synonyms, plural, faces))
    return concepts


FIRST_CONCEPTS: tuple[Concept, ...] = (
    *_concepts(
        "food",
        "🍎 apple",
        "🍌 banana",
        "🍇 grapes | bunch of grapes, grape | grapes",
        "🍉 watermelon | slice of watermelon, melon slice",
        "🍋 lemon | citrus",
        "🍊 orange | tangerine, mandarin, clementine",
        "🍓 strawberry | berry | strawberries",
        "🍒 cherries | cherry, pair of cherries | cherries",
        "🍍 pineapple | ananas",
        "🍐 pear",
        "🍅 tomato | | tomatoes",
        "🥕 carrot",
        "🍄 mushroom | toadstool, fungus",
        "🍕 pizza | slice of pizza, pizza slice",
        "🍔 hamburger | burger, cheeseburger",
        "🍩 doughnut | donut",
        "🍦 ice cream | ice cream cone, soft serve, gelato | ice creams",
        "🎂 cake | birthday cake, layer cake",
        "☕ coffee | cup of coffee, hot drink, cup of tea, mug, cup | cups of coffee",
    ),
    *_concepts(
        "animal",
        "🐱 cat | kitten, kitty, cat face, feline",
        "🐶 dog | puppy, dog face, hound, pup",
        "🐸 frog | toad, frog face",
        "🐼 panda | panda bear, giant panda",
        "🦊 fox | fox face | foxes",
        "🦁 lion | lion face",
        "🐯 tiger | tiger face",
        "🐻 bear | brown bear, bear face, grizzly",
        "🐰 rabbit | bunny, hare, rabbit face",
        "🐭 mouse | mouse face, little mouse | mice",
        "🐷 pig | piglet, pig face, hog",
        "🐧 penguin",
        "🦉 owl",
        "🦋 butterfly | | butterflies",
        "🐝 bee | honeybee, bumblebee",
        "🐟 fish | trout | fish | left",
        "🐢 turtle | tortoise",
        "🐘 elephant | | | left",
        "🐳 whale | spouting whale",
        "🦄 unicorn | unicorn face",
    ),
    *_concepts(
        "plant",
        "🌻 sunflower",
        "🌷 tulip | flower",
        "🌹 rose",
        "🌵 cactus | | cacti",
        "🌲 pine tree | evergreen tree, fir tree, conifer, spruce, fir, pine",
        "🌳 tree | leafy tree, oak tree, deciduous tree, oak",
        "🌴 palm tree | coconut palm, palm",
    ),
    *_concepts(
        "vehicle",
        "🚗 car | automobile, auto | | left",
        "🚌 bus | coach",
        "✈ airplane | plane, aeroplane, jet, aircraft",
        "🚀 rocket | spaceship, rocket ship, spacecraft",
        "⛵ sailboat | boat, sailing boat, yacht, ship",
        "🛸 flying saucer | ufo, alien spaceship",
    ),
    *_concepts(
        "nature",
        "☀ sun | sunshine, shining sun",
        "🌙 moon | crescent moon, crescent",
        "⭐ star",
        "☁ cloud",
        "🌈 rainbow",
        "❄ snowflake | snow crystal, ice crystal",
        "🔥 fire | flame, campfire, flames",
        "💧 drop | water drop, droplet, raindrop",
        "⚡ lightning | lightning bolt, thunderbolt | lightning bolts",
        "⛄ snowman | | snowmen",
    ),
    *_concepts(
        "object",
        "💎 diamond | gem, gemstone, jewel, crystal",
        "🎈 balloon",
        "🎁 gift | present, wrapped gift, gift box, present box",
        "👑 crown | royal crown, tiara",
        "🎩 top hat | hat, magician hat",
        "🔔 bell",
        "🔑 key",
        "💡 light bulb | lightbulb, bulb, lamp, idea bulb",
        "⏰ alarm clock | clock",
        "✏ pencil | crayon",
        "☂ umbrella | parasol, brolly",
        "🎸 guitar | electric guitar",
        "⚽ soccer ball | football, ball",
        "🏀 basketball",
        "🏠 house | home, cottage, little house, hut",
        "🏆 trophy | winner's cup | trophies",
        "❤ heart | love heart",
        "🎃 pumpkin | jack-o-lantern, halloween pumpkin, carved pumpkin",
        "👻 ghost | spook, spirit",
        "🤖 robot | robot face, android",
        "🎒 backpack | school bag, rucksack, schoolbag",
        "📕 book | closed book, novel",
    ),
)
MORE_CONCEPTS: tuple[Concept, ...] = (
    *_concepts(
        "food",
        "🌽 corn | ear of corn, maize, corn cob | ears of corn",
        "🥑 avocado | | avocados",
        "🥐 croissant | pastry",
        "🧀 cheese | wedge of cheese, cheese wedge | pieces of cheese",
        "🥝 kiwi | kiwifruit, kiwi fruit",
        "🥥 coconut | half a coconut",
        "🍆 eggplant | aubergine",
        "🥦 broccoli | head of broccoli | heads of broccoli",
        "🍞 bread | loaf of bread, loaf, toast | loaves of bread",
        "🥚 egg",
        "🥞 pancakes | stack of pancakes, pancake | pancakes",
        "🌮 taco | | tacos",
        "🧁 cupcake | muffin, fairy cake",
        "🍿 popcorn | box of popcorn | boxes of popcorn",
        "🍯 honey pot | pot of honey, jar of honey, honey",
        "🍭 lollipop | candy, sweet, lolly",
    ),
    *_concepts(
        "animal",
        "🐨 koala | koala bear",
        "🐵 monkey | ape, monkey face, chimp",
        "🐞 ladybug | ladybird, lady beetle, beetle",
        "🐙 octopus",
        "🐌 snail | slug",
        "🦀 crab",
        "🐬 dolphin | | | left",
        "🐊 crocodile | alligator, croc",
        "🐍 snake | serpent, viper",
        "🦩 flamingo | | flamingos",
        "🦜 parrot | macaw",
        "🦆 duck | mallard, drake",
        "🐓 rooster | cockerel",
        "🐺 wolf | wolf face | wolves",
        "🐴 horse | horse face, pony | horses",
        "🐮 cow | cow face, calf",
        "🐿 squirrel | chipmunk",
        "🦇 bat",
        "🦒 giraffe",
        "🦓 zebra",
        "🦈 shark | | | left",
        "🐪 camel | dromedary",
        "🦔 hedgehog",
        "🦕 dinosaur | sauropod, brontosaurus, dino",
        "🐉 dragon",
    ),
    *_concepts(
        "plant",
        "🍀 clover | four leaf clover, shamrock, lucky clover",
        "🍁 maple leaf | autumn leaf, leaf, fall leaf | maple leaves",
        "🌼 daisy | blossom, daisy flower | daisies",
        "🌺 hibiscus | hibiscus flower",
        "🪴 potted plant | houseplant, plant in a pot, plant",
        "🎄 christmas tree | decorated tree, xmas tree",
    ),
    *_concepts(
        "vehicle",
        "🚒 fire engine | fire truck, firetruck",
        "🚲 bicycle | bike, pushbike",
        "🚁 helicopter | chopper",
        "🚜 tractor",
        "🚑 ambulance",
        "🚕 taxi | cab, taxicab",
        "🛵 scooter | motor scooter, moped",
        "🚂 locomotive | train, steam train, steam engine",
        "🛹 skateboard",
    ),
    *_concepts(
        "nature",
        "🌍 globe | earth, planet earth, world",
        "🪐 planet | ringed planet, saturn",
        "🌋 volcano | | volcanoes",
    ),
    *_concepts(
        "object",
        "📷 camera | photo camera",
        "⛺ tent | camping tent",
        "💀 skull",
        "👟 sneaker | running shoe, shoe, trainer",
        "⚓ anchor | ship's anchor",
        "🔒 lock | padlock, closed lock",
        "✉ envelope | letter, mail, email",
        "🎺 trumpet",
        "🥁 drum | snare drum",
        "🎻 violin | fiddle",
        "🎧 headphones | headphone, headset | headphones",
        "🎨 palette | artist palette, paint palette",
        "🪁 kite",
        "🎲 die | dice, game die | dice",
        "🎾 tennis ball",
        "🕯 candle",
        "🔨 hammer",
        "🧲 magnet | horseshoe magnet",
        "🧭 compass",
        "⌛ hourglass | sandglass, sand timer",
        "🪑 chair",
        "🛋 couch | sofa, settee | couches",
        "🚪 door",
        "🧳 suitcase | luggage",
        "👢 boot",
        "👗 dress | gown",
        "👕 t-shirt | tee shirt, shirt, tee",
        "👓 glasses | eyeglasses, spectacles, pair of glasses | glasses",
        "💍 ring | diamond ring",
        "🏰 castle | fortress, palace",
        "🎡 ferris wheel | big wheel",
        "☎ telephone | phone",
        "📺 television | tv, tv set, telly",
        "💻 laptop | notebook computer, computer",
        "✂ scissors | pair of scissors | pairs of scissors",
        "🔬 microscope",
        "🔭 telescope",
        "🛡 shield",
        "🗡 dagger | sword",
        "🧺 basket | wicker basket",
        "👽 alien | extraterrestrial, alien face",
        "🎷 saxophone | sax",
    ),
)
CONCEPTS = FIRST_CONCEPTS + MORE_CONCEPTS
CONCEPT_BY_NAME: dict[str, Concept] = {concept.name: concept for concept in CONCEPTS}
