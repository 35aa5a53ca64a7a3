"""A scene between words and fields: what was said about each thing and about the whole, nothing filled in."""

from __future__ import annotations

from dataclasses import dataclass, field

from sartor.bridge.english.colors import thing_color
from sartor.bridge.english.grammar import NO_TRANSPARENCY, Ground, Group
from sartor.bridge.english.lexicon import PartialPlace, plural
from sartor.nano.captions import Thing
from sartor.nano.concepts import Concept

# Detail fields that a piece may carry in words, in the public order.
DETAILS = ("texture", "appearance_details", "pose", "expression", "clothing", "action")


@dataclass(eq=False)
class Piece:
    """A thing or a cluster. ``colors`` as written; ``relation`` says how it stands to another piece."""

    noun: str
    concept: Concept | None = None
    adjectives: list[str] = field(default_factory=list)
    colors: list[str] = field(default_factory=list)
    count: int = 1
    size: str | None = None
    orientation: str | None = None
    facing: str | None = None
    place: PartialPlace = field(default_factory=PartialPlace)
    relation: tuple[str, Piece] | None = None
    details: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, group: Group) -> Piece:
        """A plural without a number is three."""
        named = group.concept
        many = group.plural and not (named and named.plural_name == named.name)
        count = group.count if group.count is not None else 3 if many else 1
        return cls(group.noun, named, list(group.adjectives), list(group.colors), max(1, count), group.size,
                   group.orientation, place=group.place or PartialPlace())  # fmt: skip

    @property
    def head(self) -> str:
        return self.concept.name if self.concept else self.noun

    @property
    def phrase(self) -> str:
        """Adjectives and noun, singular, without colour."""
        return " ".join([*self.adjectives, self.noun])

    @property
    def cluster(self) -> str:
        """What several of them are called. Training named clusters by their concept, never by a synonym."""
        if self.concept and not self.adjectives and self.noun in {self.concept.name, *self.concept.synonyms}:
            return self.concept.plural_name
        return plural(self.phrase)

    def named_colors(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(thing_color(color) for color in self.colors))

    def thing(self, place: str, size: str) -> Thing:
        """As the captions describe it; ``facing`` only where the captions have words for it."""
        name = (
            self.cluster
            if self.count > 1 and not (self.concept and self.cluster == self.concept.plural_name)
            else self.head
        )
        facing = (self.facing or "") if self.concept and self.concept.faces else ""
        colors = self.named_colors()
        return Thing(name, place, size, self.orientation or "upright", colors, bool(colors), self.count, facing)

    def add_detail(self, name: str, text: str) -> None:
        if text not in self.details.setdefault(name, []):
            self.details[name].append(text)

    def is_called(self, group: Group) -> bool:
        """Whether the group's noun means this piece."""
        if group.concept is not None and self.concept is not None:
            return group.concept.name == self.concept.name
        return group.noun == self.noun or group.noun.rsplit(" ", 1)[-1] == self.noun.rsplit(" ", 1)[-1]


@dataclass
class Draft:
    """What a prompt said. None and empty mean that it said nothing about it."""

    pieces: list[Piece] = field(default_factory=list)
    ground: Ground | None = None
    light: str | None = None
    free_light: str | None = None
    shadow: str | None = None
    style: str | None = None
    medium: str | None = None
    manner: str | None = None
    mood: str | None = None
    blurred: bool | None = None
    camera: dict[tuple[str, str], str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)  # what was named to be left out

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def set_style(self, value: str | tuple[str, str]) -> None:
        """A style of the model by name, or ("medium", words), or ("manner", words). The first of each kind counts."""
        if isinstance(value, str):
            self.style = self.style or (value if self.medium is None else None)
        elif value[0] == "medium":
            self.medium = self.medium or (value[1] if self.style is None else None)
        else:
            self.manner = self.manner or value[1]

    def set_ground(self, ground: Ground) -> None:
        """The first background counts; night and sunset beside another one are told by the light."""
        if ground.text == "transparent":
            self.note(NO_TRANSPARENCY)
        if self.ground is None:
            self.ground = ground
            return
        for kind, light in (("night", "dim"), ("sunset", "warm")):
            if kind in (self.ground.kind, ground.kind) and self.ground.kind != ground.kind:
                self.light = self.light or light
                self.note(f"one background at a time: {kind} is shown by {light} light")
                if self.ground.kind == kind:
                    self.ground = ground
                return
        if ground != self.ground:
            self.note(f"one background at a time: kept {self.ground.text or self.ground.kind}, "
                      f"not {ground.text or ' '.join((*ground.colors, ground.kind))}")  # fmt: skip

    def set_light(self, value: str | tuple[str, str]) -> None:
        if isinstance(value, str):
            self.light = value
        else:
            self.free_light = value[1]
