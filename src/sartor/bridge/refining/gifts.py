"""What is given to a thing: a garment to wear, a smile, wings, or a thing of its own beside it."""

from __future__ import annotations

from sartor.bridge.english import words
from sartor.bridge.english.grammar import Group
from sartor.bridge.english.tagging import Item
from sartor.bridge.refining.actors import Actor
from sartor.bridge.refining.scope import Scope
from sartor.nano.captions import article


def is_garment(group: Group) -> bool:
    """Whether it can be worn, a hat as well as a scarf."""
    return words.is_worn(group.noun) or words.is_worn(group.text)


def is_measure(group: Group) -> bool:
    """ "90 degrees", "20 %", "3 times"."""
    return not group.definite and any(word in words.UNITS for word in [*group.noun.split(), *group.text.split()[-1:]])


def give(scope: Scope, actors: list[Actor], group: Group) -> bool:
    """Adds to the actors' details; False for what is a thing of its own."""
    if is_garment(group):
        name, text = "clothing", group.words
    elif group.noun.rsplit(" ", 1)[-1] in words.EXPRESSIONS:
        name, text = "expression", group.words
    elif group.concept is None:
        name, text = "appearance_details", f"with {group.words}"
    else:
        return False
    for actor in actors:
        actor.piece.add_detail(name, text)
    scope.note(f'in your words in {name}: "{text}"')
    return True


def wear(scope: Scope, made: Actor, owner: Actor) -> bool:
    """ "put a hat on the cat": a garment that was just made is no thing of its own. False for any other thing."""
    piece = made.piece
    if not words.is_worn(piece.noun):
        return False
    scope.stage.actors.remove(made)
    text = " ".join([*piece.colors, piece.phrase])
    owner.piece.add_detail("clothing", text if piece.count > 1 else article(text))
    return True


def wearer(scope: Scope, group: Group, rest: list[Item]) -> Actor | None:
    """ "add sunglasses": who can wear them, where it is one alone and nothing is said of a place."""
    if not is_garment(group) or group.definite or (rest and rest[0].code != "U"):
        return None
    found = [actor for actor in scope.stage.actors if actor.entry is not None and actor.animate]
    return found[0] if len(found) == 1 else None


def grow(scope: Scope, made: Actor, owner: Actor) -> bool:
    """ "add a beard to the sailor": what was just made is part of a body. False for any other thing."""
    if made.piece.noun.rsplit(" ", 1)[-1] not in words.GROWN:
        return False
    scope.stage.actors.remove(made)
    text = " ".join([*made.piece.colors, made.piece.phrase])
    owner.piece.add_detail("appearance_details", text if made.piece.count > 1 else article(text))
    scope.note(f'in your words in appearance_details: "{text}"')
    return True


def turn_by(actor: Actor, group: Group) -> str:
    """Turns by a number of degrees as far as the orientations go: upright, upside down, or tilted."""
    angle = (group.count or 0) % 360
    backwards = "clockwise" not in group.text or "counter" in group.text or "anti" in group.text
    side = "left" if backwards == (angle < 180) else "right"
    orientation = {0: "upright", 180: "upside down"}.get(angle, f"tilted to the {side}")
    actor.turn(orientation)
    return orientation
