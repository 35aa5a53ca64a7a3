"""Who has a body and a face: people, animals, and figures that are drawn as if they were either."""

from __future__ import annotations

from sartor.bridge.english.words import word_set
from sartor.nano.concepts import Concept

# What anybody is called, and what people are to others or do; their gender where the word tells it.
_ANYBODY = {"male": "man boy guy", "female": "woman girl lady", "": "person"}
ANYBODY = {name: gender for gender, names in _ANYBODY.items() for name in names.split()}
PEOPLE = ANYBODY | {
    name: gender
    for gender, names in (
        ("male", "father king prince grandfather brother son husband gentleman actor waiter wizard"),
        ("female", "mother queen princess grandmother sister daughter wife actress waitress witch"),
        ("", "child baby sailor doctor nurse chef astronaut knight pirate teacher farmer artist dancer soldier "
             "fisherman kid toddler teenager worker player singer musician worker angel fairy elf dwarf hero"),
    )
    for name in names.split()
}  # fmt: skip
FIGURES = word_set(
    "robot ghost snowman alien monster mascot character zombie vampire skeleton gnome ninja clown superhero cyborg doll"
)


def is_animate(noun: str, concept: Concept | None) -> bool:
    """Whether a thing of this name is somebody."""
    last = noun.rsplit(" ", 1)[-1]
    return (concept is not None and concept.group == "animal") or last in PEOPLE or last in FIGURES
