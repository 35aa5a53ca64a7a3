"""What each of the vocabulary's things is coloured like in its drawings, by the composer's own measure.

To name such a colour in a prompt changes nothing.
"""

from __future__ import annotations

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
# Kinds whose names have a colour in them, whatever the drawings are coloured like.
_KINDS = {"fox": ("red",), "squirrel": ("red",), "bear": ("black", "white"), "mushroom": ("brown", "white")}
NATURAL_COLORS = {
    name: frozenset((*colors.split(), *_KINDS.get(name, ())))
    for name, colors in (line.split(": ") for line in _MEASURED.strip().splitlines())
}
