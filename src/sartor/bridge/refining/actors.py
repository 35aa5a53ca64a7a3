"""The objects of a prompt under refinement, and what an instruction can do to one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sartor.bridge.english.arrangement import CELLS, COLUMNS, NAMES, ROWS, full_place
from sartor.bridge.english.draft import DETAILS, Piece
from sartor.bridge.english.grammar import Group
from sartor.bridge.english.lexicon import PartialPlace
from sartor.bridge.english.people import ANYBODY, PEOPLE, is_animate
from sartor.bridge.english.scales import gives_way
from sartor.bridge.english.scene import default_size
from sartor.bridge.refining.adjectives import drop
from sartor.bridge.refining.hours import Circumstance
from sartor.nano.captions import Background, Scene, Thing, composition
from sartor.nano.vocabulary import SIZES

_STEPS = list(SIZES)
_PERSONAL = frozenset({"gender", "expression", "clothing", "skin_tone_and_texture"})


@dataclass(eq=False)
class Actor:
    """One object. ``shown`` are colours that it has without being painted; ``entry`` is None for a new one."""

    piece: Piece
    place: str = "center"
    size: str = "large"
    shown: tuple[str, ...] = ()
    entry: dict[str, Any] | None = None
    before: Thing | None = None
    word_before: str = ""
    orientation_before: str = ""
    described_before: str = ""
    replaced: bool = False
    freely: bool = False
    """Whether its description is in somebody's own words."""
    renamed: tuple[str, str] | None = None
    """A word of its name, and the one that came for it: a fox head that became a wolf's."""
    relation_told: str | None = None
    """How it stands to something, in the person's words."""
    dropped: list[str] = field(default_factory=list)
    """Adjectives that it is no longer to have."""
    painted_parts: dict[str, str] = field(default_factory=dict)
    """The new colour of what it wears and has, by the noun."""

    def thing(self) -> Thing:
        thing = self.piece.thing(self.place, self.size)
        if not thing.colors:
            thing.colors = self.shown
        if self.freely and thing.count == 1:
            thing.concept = self.called
        return thing

    @property
    def nameless(self) -> bool:
        """Whether its entry has no description, and it was not made another thing since."""
        return self.entry is not None and not self.entry.get("description") and not self.replaced

    def painted(self, thing: Thing) -> bool:
        """Whether it has other colours as ``thing``, which it is now, than it was told to have before."""
        told = self.before.colors if self.before is not None and self.before.recolored else ()
        return thing.recolored and thing.colors != told

    @property
    def called(self) -> str:
        """What others call it: "boat" of a rowing boat, but "fire truck" of one."""
        noun = self.piece.noun
        concept = self.piece.concept
        whole = concept is not None and (noun == concept.name or noun in concept.synonyms)
        return noun if whole else noun.rsplit(" ", 1)[-1]

    @property
    def animate(self) -> bool:
        """Whether it is a person, an animal or a figure, as far as that can be told."""
        told = self.entry is not None and not _PERSONAL.isdisjoint(self.entry)
        return told or is_animate(self.piece.noun, self.piece.concept)

    @property
    def gender(self) -> str:
        told = str((self.entry or {}).get("gender", "")).lower()
        return told or PEOPLE.get(self.piece.noun.rsplit(" ", 1)[-1], "")

    def be_called(self, noun: str) -> str | None:
        """Makes a person a man, a woman, a girl ...: one who had no other name; of any other one only the gender.
        What the person is called then; None where it is no person."""
        own, gender = self.piece.noun.rsplit(" ", 1)[-1], ANYBODY[noun]
        if own not in PEOPLE and "gender" not in (self.entry or {}):
            return None
        told = noun if PEOPLE.get(own) or own in ANYBODY else f"{gender} {own}"
        if self.freely:
            self.renamed = (own, told)
        else:
            self.piece.noun = self.piece.noun.removesuffix(own) + told
        if self.entry is not None:
            self.entry["gender"] = gender
        return told

    def pin(self, place: str) -> None:
        """Puts it at a place, for good."""
        self.place = place
        row, column = CELLS[place]
        self.piece.place = PartialPlace(ROWS[row], COLUMNS[column])

    def put(self, place: PartialPlace) -> None:
        """Moves it; the row or column that is left open stays, for a new one until places are given out."""
        if self.entry is None:
            own = self.piece.place
            self.piece.place = PartialPlace(place.row or own.row, place.column or own.column)
        else:
            self.pin(full_place(place, present=self.place))

    def step(self, rows: int, columns: int) -> None:
        """Moves it by so many places, as far as the edge."""
        row, column = CELLS[self.place]
        self.pin(NAMES[min(max(row + rows, 0), 2), min(max(column + columns, 0), 2)])

    def paint(self, colors: list[str]) -> None:
        self.piece.colors = colors

    def turn(self, orientation: str) -> None:
        self.piece.orientation = None if orientation == "upright" else orientation

    def face(self, way: str) -> None:
        """ "facing left", "facing right", or "other": the side that it does not face now."""
        if way == "other":
            natural = self.piece.concept.faces if self.piece.concept else ""
            now = self.piece.facing or (f"facing {natural}" if natural else "")
            way = "facing left" if now == "facing right" else "facing right"
        self.piece.facing = way

    def set_size(self, size: str) -> None:
        self.size = self.piece.size = size

    def resize(self, step: int) -> bool:
        """One size up or down; False if it is at the end already."""
        index = _STEPS.index(self.size) + step
        if not 0 <= index < len(_STEPS):
            return False
        self.set_size(_STEPS[index])
        return True

    def recount(self, count: int, things: int) -> None:
        """``things`` is the number of kinds in the scene. What no longer fits at its size gets the usual one."""
        usual = default_size(self.piece.count, things, centered=self.place == "center")
        self.piece.count = max(1, count)
        if self.size in {usual, "large"} and not self.freely:
            self.size = default_size(self.piece.count, things, centered=self.place == "center")

    def describe(self, adjective: str) -> bool:
        """False if it was so already."""
        if adjective in self.piece.adjectives:
            return False
        kept = [known for known in self.piece.adjectives if not gives_way(known, adjective)]
        self.piece.adjectives = [*kept, adjective]
        return True

    def undescribe(self, adjective: str) -> bool:
        """False if it was not said to be so."""
        told = str((self.entry or {}).get("description", ""))
        if adjective not in self.piece.adjectives and drop(told, adjective) == told:
            return False
        self.piece.adjectives = [known for known in self.piece.adjectives if known != adjective]
        self.dropped.append(adjective)
        return True

    def become(self, group: Group, things: int) -> None:
        """Another thing in the same place, of the same size and number unless the group says otherwise."""
        new, piece = Piece.of(group), self.piece
        if group.count is None and group.plural and piece.count > 1:
            new.count = piece.count
        piece.noun, piece.concept = new.noun, new.concept
        piece.adjectives, piece.colors = new.adjectives, new.colors
        self.shown, self.replaced = (), True
        if group.count is not None or group.plural:
            self.recount(new.count, things)
        if group.size:
            self.set_size(group.size)
        if group.orientation:
            self.turn(group.orientation)
        piece.details.clear()
        for name in (*DETAILS, "gender", "skin_tone_and_texture"):
            if self.entry is not None:
                self.entry.pop(name, None)


@dataclass
class Stage:
    """The scene under refinement, and as it was ``before``, with its ``former`` actors."""

    actors: list[Actor]
    background: Background = field(default_factory=Background)
    setting: str | None = None
    light: str = "even"
    shadow: str = "none"
    style: str | None = None
    before: Scene = field(default_factory=lambda: Scene([]))
    former: list[Actor] = field(default_factory=list)
    circumstances: list[tuple[Circumstance, bool]] = field(default_factory=list)
    """Hours and weather that came since; whether beside those that were there."""
    edits: list[tuple[str, Callable[[str], str]]] = field(default_factory=list)
    """What became of nouns of the surroundings, to be done to every text that names them."""
    relocated: bool = False
    """Whether the surroundings are other ones."""
    values: dict[str, Any] = field(default_factory=dict)
    """The prompt's values; its objects are the actors' entries."""

    @property
    def composed(self) -> bool:
        """Whether every thing and the composition are in the captions' wording, or in none."""
        told = self.values.get("aesthetics", {}).get("composition")
        rule = composition(self.before.things) if self.before.things else None
        return told in (None, rule) and not any(actor.freely for actor in self.former)

    def scene(self) -> Scene:
        return Scene([actor.thing() for actor in self.actors], self.style, self.background, self.light, self.shadow)

    def words(self) -> list[str]:
        return [actor.piece.phrase for actor in self.actors]
