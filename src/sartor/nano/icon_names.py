"""Which icon of which set draws a thing, for the house styles whose sets cannot be asked by emoji."""

from __future__ import annotations


def icons(rows: str, suffix: str = "") -> dict[str, str]:
    """Icons by concept: "alarm_clock" is called as its concept is, with a hyphen; "lemon=citrus" differently. Each name
    ends in ``suffix``."""
    names = {}
    for row in rows.split():
        concept, _, icon = row.partition("=")
        names[concept.replace("_", " ")] = (icon or concept.replace("_", "-")) + suffix
    return names


# Sets of each style in order of preference: package -> icons by concept. Of what all lack, the style has no drawing.
ICONS: dict[str, dict[str, dict[str, str]]] = {
    "glyph": {
        "@iconify-json/mdi": icons(
            "carrot mushroom pizza hamburger ice_cream cake coffee cat dog panda rabbit pig penguin owl butterfly "
            "bee fish turtle elephant unicorn cactus pine_tree tree palm_tree bus airplane rocket star cloud "
            "rainbow snowflake fire drop snowman balloon gift crown bell key alarm_clock pencil umbrella basketball "
            "trophy heart pumpkin ghost robot backpack book corn cheese bread egg taco cupcake popcorn koala "
            "ladybug snail dolphin snake duck horse cow bat shark clover fire_engine bicycle helicopter tractor "
            "ambulance taxi skateboard globe volcano camera tent skull anchor lock envelope trumpet violin "
            "headphones palette kite tennis_ball candle hammer magnet compass hourglass chair couch door glasses "
            "ring castle ferris_wheel telephone television laptop scissors microscope telescope shield dagger "
            "basket alien saxophone car=car-side apple=food-apple grapes=fruit-grapes watermelon=fruit-watermelon "
            "lemon=fruit-lemon cherries=fruit-cherries pineapple=fruit-pineapple pear=fruit-pear mouse=rodent "
            "tulip=flower-tulip sailboat=sail-boat flying_saucer=ufo sun=white-balance-sunny "
            "moon=moon-waning-crescent lightning=lightning-bolt diamond=diamond-stone light_bulb=lightbulb "
            "guitar=guitar-electric soccer_ball=soccer house=home croissant=food-croissant maple_leaf=leaf-maple "
            "scooter=moped sneaker=shoe-sneaker die=dice suitcase=bag-suitcase t-shirt=tshirt-crew "
        ),
    },
    "lineart": {
        "@iconify-json/lucide": icons(
            "apple banana carrot pizza hamburger ice_cream cake coffee cat dog panda rabbit fish turtle rose car "
            "bus rocket sailboat sun moon star cloud rainbow snowflake balloon gift crown bell key alarm_clock "
            "pencil umbrella guitar house trophy heart ghost backpack book croissant broccoli egg cupcake popcorn "
            "lollipop snail squirrel clover helicopter tractor ambulance globe camera tent skull anchor lock drum "
            "headphones palette hammer magnet compass hourglass glasses castle ferris_wheel laptop scissors "
            "microscope telescope shield grapes=grape lemon=citrus cherries=cherry doughnut=donut mouse=rat "
            "pine_tree=tree-pine palm_tree=tree-palm airplane=plane fire=flame drop=droplet lightning=zap "
            "diamond=gem light_bulb=lightbulb envelope=mail die=dice-5 couch=sofa suitcase=luggage t-shirt=shirt "
            "telephone=phone television=tv dagger=sword "
        ),
        "@iconify-json/tabler": icons(
            "mushroom pig butterfly cactus tree snowman robot avocado cheese bread horse bat dragon christmas_tree "
            "skateboard planet volcano candle door basket alien flying_saucer=ufo soccer_ball=ball-football "
            "basketball=ball-basketball potted_plant=plant fire_engine=firetruck bicycle=bike scooter=moped "
            "sneaker=shoe "
        ),
    },
}
