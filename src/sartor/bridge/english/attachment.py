"""Analysed items to a draft: what goes with which thing."""

from __future__ import annotations

import re

from sartor.bridge.english import words
from sartor.bridge.english.almanac import TIMES
from sartor.bridge.english.draft import Draft, Piece
from sartor.bridge.english.grammar import Ground, Group
from sartor.bridge.english.lexicon import PartialPlace
from sartor.bridge.english.people import is_animate
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set

_MEASURES = word_set("degree degrees percent percentage % °")
_MANNERS = frozenset(words.MANNER_WORDS.split(", "))
_GROUP_SOON = re.compile(r"[Xv]*V?X?@")
_ANCHOR_THEN_GROUP = re.compile(r"@[Xv]*V?@|iX?@")
TEXT_NOUNS = word_set("word text letter lettering caption title slogan inscription message label name")
_TALLER = {"taller": 1, "higher": 1, "wider": 1, "longer": 1, "shorter": -1}
SURROUNDINGS = word_set("in at inside through across within among amid into around from")


def attach(items: list[Item]) -> Draft:
    """Reads from left to right: what follows a noun group describes it, what stands before one at the start of a clause
    waits for it ("on the left, a cat")."""
    reader = _Reader(items)
    for index, item in enumerate(items):
        reader.read(index, item)
    reader.finish()
    return reader.draft


class _Reader:
    def __init__(self, items: list[Item]) -> None:
        self.draft = Draft()
        self.items = items
        self.codes = "".join(item.code for item in items)
        self.subject: Piece | None = None  # what places and relations describe
        self.recent: Piece | None = None  # what adjectives describe
        self.fresh = True  # at the start of a clause
        self.place: PartialPlace | None = None  # waits for the next group
        self.relation: tuple[str, Piece] | None = None  # (how, subject): waits for its anchor
        self.fronted: str | None = None  # "below the moon" ...: waits for its anchor
        self.anchored: tuple[str, Piece] | None = None  # ... and then for its subject
        self.link: str | None = None  # a preposition, "with", or "having"
        self.had: str | None = None  # the field that the last group went to: "curly hair and green eyes"
        self.verb: str | None = None  # what the subject does with the next group
        self.painted: Piece | None = None  # has the colours of the list at hand
        self.negated = False
        self.compared: tuple[int, Piece] | None = None  # "bigger": waits for "than" what

    def read(self, index: int, item: Item) -> None:
        code = item.code
        if code == "@":
            self._group(index, item.value)
        elif code == "L":
            self._place(index, item.value)
        elif code == "R":
            self._relate(index, item.value)
        elif code == "i":
            self._pronoun()
        elif code == "V":
            self._verb(item)
        elif code == "P" and self._is_particle(index):
            self._go_on(item.text.lower())
        elif code in "PW":
            self.link = item.text.lower() if code == "P" or item.text.lower() == "having" else "with"
            return
        elif code in "XUE":
            self._clause(code)
            return
        elif code == "n":
            self.negated = self.negated or item.value not in {"any", "nothing"}
            return
        elif code == "z" or (code == "A" and item.text.lower() in _TALLER):
            self._compare(index, item)
        elif code in "AMCZOFQ":
            self._describe(index, item)
        else:
            self._whole(item)
        self.fresh = False

    def finish(self) -> None:
        if self.place is not None and self.recent is not None:
            self.recent.place = _join(self.recent.place, self.place)

    def _clause(self, code: str) -> None:
        self.fresh = True
        self.link = self.verb = None
        if code == "E":
            self.had = None
        if code == "E":
            self.subject = None
            self.fronted = self.relation = None

    def _group(self, index: int, group: Group) -> None:
        link, verb, negated = self.link, self.verb, self.negated
        self.link = self.verb = None
        self.negated = False
        followed = self.codes[index + 1 : index + 2]
        if group.noun in words.ROLES and self._is_told_next(index):
            return
        measured = group.count is not None and not _MEASURES.isdisjoint(group.text.lower().split())
        if measured or (link == "for" and group.concept is None and self.recent is None):
            self.draft.loose.append(f"for {group.words}" if link == "for" else group.text)
            return
        if followed == "q" and group.noun.rsplit(" ", 1)[-1] in TEXT_NOUNS:
            return
        if negated:
            self.draft.note(f"left out, as asked: {group.text}")
            self.draft.without.append(group.text)
            return
        had, self.had = self.had, None
        if self._continued(group, had) or self._absorbed(group, link, verb):
            return
        if self._interior(index, group):
            return
        piece = self._find(group)
        if piece is None:
            piece = Piece.of(group)
            self.draft.pieces.append(piece)
        if self.place is not None and self.fronted is None:
            piece.place, self.place = _join(piece.place, self.place), None
        if self.compared is not None and self.compared[1] is not piece:
            step, subject = self.compared
            sizes = ("large", "small") if step > 0 else ("small", "large")
            subject.size, piece.size = subject.size or sizes[0], piece.size or sizes[1]
            self.compared = None
        self.recent = piece
        if self.fronted is not None:
            self.anchored, self.fronted = (self.fronted, piece), None
            return
        if self.relation is not None:
            relation, subject = self.relation
            self.relation = None
            if subject is not piece:
                subject.relation = (relation, piece)
            return
        if self.anchored is not None:
            piece.relation, self.anchored = self.anchored, None
        elif self.subject is not None and self.subject is not piece and (link or verb):
            self._linked(piece, group, link, verb)
            return
        self.subject = piece

    def _linked(self, piece: Piece, group: Group, link: str | None, verb: str | None) -> None:
        """ "a panda with a balloon", "a cat on a car", "a fox holding a flower"."""
        assert self.subject is not None
        if link in {"on", "onto"}:
            self.subject.relation = ("above", piece)
        elif link in SURROUNDINGS:
            self.subject.relation = ("inside" if link in {"in", "inside", "within"} else "next to", piece)
        else:
            piece.relation = ("next to", self.subject)
        if verb:
            self.subject.details.pop("action", None)
            self.subject.add_detail("action", " ".join(filter(None, (verb, link, group.words))))

    def _interior(self, index: int, group: Group) -> bool:
        """ "a living room with an armchair" is an armchair there."""
        place = group.concept is None and group.noun.rsplit(" ", 1)[-1] in words.INTERIORS
        if not place or self.draft.pieces or self.draft.ground is not None or self.codes[index + 1 : index + 2] != "W":
            return False
        self.draft.ground = Ground("free", text=group.named)
        return True

    def _continued(self, group: Group, had: str | None) -> bool:
        """ "with curly hair and green eyes"."""
        if self.recent is None or had is None or not any(_is_had(name) for name in (group.noun, group.text)):
            return False
        texts = self.recent.details[had]
        texts[-1] = f"{texts[-1]} and {group.words}"
        self.had = had
        return True

    def _absorbed(self, group: Group, link: str | None, verb: str | None) -> bool:
        """Words about another thing or about the surroundings, rather than a thing of their own."""
        owner = self.recent
        noun = group.noun.rsplit(" ", 1)[-1]
        worn = words.is_worn(noun) and link in {"with", "in"}
        other = owner is not None and (group.concept is None or owner.concept is not group.concept)
        if owner is not None and (verb == "wearing" or (worn and other)):
            owner.add_detail("clothing", group.words)
            self.had = "clothing"
            return True
        if group.concept is not None or self.relation or self.fronted or self.anchored:
            return False
        around = link in SURROUNDINGS and link != "from" and noun not in words.BODY | words.CONTAINERS
        if around and verb is None and self.draft.ground is None:
            self.draft.ground = Ground("free", text=group.named)
            return True
        if owner is None:
            return False
        if link and noun in TIMES:
            self.draft.loose.append(group.text)
            return True
        if not link and not verb and self.fresh and group.text == group.words and noun in words.BODY | words.WALLS:
            owner.add_detail("appearance_details", group.words)  # "a house, blue roof, white walls"
            return True
        if link and link != "with" and noun in words.SURFACES and self.draft.ground is None:
            self.draft.ground = Ground("free", text=group.named)
        if verb:
            owner.details.pop("action", None)
            owner.add_detail("action", " ".join(filter(None, (verb, link, group.words))))
            return True
        if link == "having" and group.noun in words.EVENTS:
            owner.add_detail("action", f"having {group.words}")
            return True
        if link:
            self.had = "appearance_details"
            owner.add_detail(self.had, f"{'with' if link == 'having' else link} {group.words}")
            return True
        return False

    def _find(self, group: Group) -> Piece | None:
        """ "the cat" is the cat already there."""
        if not group.definite:
            return None
        found = [piece for piece in self.draft.pieces if piece.is_called(group)]
        return found[-1] if found else None

    def _place(self, index: int, place: PartialPlace) -> None:
        ahead = _GROUP_SOON.match(self.codes, index + 1)
        if (self.fresh and ahead) or self.subject is None:
            self.place = _join(self.place or PartialPlace(), place)
        else:
            self.subject.place = _join(self.subject.place, place)
        self.link = None

    def _relate(self, index: int, relation: str) -> None:
        self.link = None
        if relation == "between":
            if self.subject is not None:
                self.subject.place = _join(PartialPlace("center", "center"), self.subject.place)
            return
        if self.subject is None or (self.fresh and _ANCHOR_THEN_GROUP.match(self.codes, index + 1)):
            self.fronted = relation
        else:
            self.relation = (relation, self.subject)

    def _pronoun(self) -> None:
        if self.fronted is not None and self.recent is not None:
            self.anchored, self.fronted = (self.fronted, self.recent), None
        elif self.relation is not None:
            relation, subject = self.relation
            self.relation = None
            earlier = self.draft.pieces[: self.draft.pieces.index(subject)]
            if self.recent is not None and self.recent is not subject:
                self.recent.relation = (relation, subject)
            elif earlier:
                subject.relation = (relation, earlier[-1])

    def _verb(self, item: Item) -> None:
        lemma = item.lemma
        if lemma in {"wear", "dress"}:
            self.verb = "wearing"
        elif lemma in words.SILENT_VERBS and not (lemma == "do" and item.tag == "VBG"):
            return
        elif self.recent is None:
            self.draft.loose.append(item.text.lower())
        elif self._by_owner():
            self.recent = self.subject
            self._verb(item)
        elif lemma in words.POSES:
            self.recent.add_detail("pose", words.POSES[lemma])
        else:
            self.verb = item.text.lower() if item.tag in {"VBG", "VBN"} else gerund(lemma)
            self.recent.add_detail("action", self.verb)

    def _is_particle(self, index: int) -> bool:
        """ "a rocket taking off": part of the verb."""
        verb = self.codes[index - 1 : index] == "V" and self.verb is not None
        return verb and self.items[index].text.lower() in {"off", "out"} and self.codes[index + 1 : index + 2] != "@"

    def _go_on(self, particle: str) -> None:
        assert self.recent is not None
        self.verb = f"{self.verb} {particle}"
        self.recent.details["action"][-1:] = [self.verb]

    def _compare(self, index: int, item: Item) -> None:
        """ "a cat bigger than a house"."""
        if self.recent is None or [other.text.lower() for other in self.items[index + 1 : index + 2]] != ["than"]:
            if item.code == "A":
                self._describe(index, item)
            return
        self.compared = (item.value if item.code == "z" else _TALLER[item.text.lower()], self.recent)

    def _is_told_next(self, index: int) -> bool:
        """ "our mascot, a penguin", "mascot: a fox"."""
        told = self.codes[index + 1 : index + 3]
        return told == "X@" or (told == "E@" and self.items[index + 1].text in {":", "-", "–", "—"})

    def _by_owner(self) -> bool:
        """ "a girl with a red umbrella walking": she does."""
        owner, had = self.subject, self.recent
        if owner is None or had is None or had is owner or had.relation != ("next to", owner):
            return False
        return is_animate(owner.noun, owner.concept) and not is_animate(had.noun, had.concept)

    def _describe(self, index: int, item: Item) -> None:
        piece = self.recent
        if item.code == "M" and (item.lemma == "mood" or self.fresh or piece is None):
            self.draft.mood = self.draft.mood or item.value
        elif item.code == "A" and (piece is None or self.fresh) and item.text.lower() in _MANNERS:
            self.draft.set_style(("manner", item.text.lower()))
        elif piece is None or (item.code in "AM" and self.fresh):
            self.draft.loose.append(item.text.lower())
        elif item.code in "AM":
            piece.adjectives.append(item.text.lower())
        elif item.code == "C" and (not piece.colors or (self.painted is piece and self._listed(index))):
            piece.colors.append(item.value)
            self.painted = piece
        elif item.code == "Z":
            piece.size = piece.size or item.value
        elif item.code == "O":
            piece.orientation = piece.orientation or item.value
        elif item.code == "F":
            piece.facing = "facing right" if item.value == "other" else item.value
        elif item.code == "Q" and piece.count == 1 and item.text.lower() != "both":
            piece.count = max(1, item.value)

    def _listed(self, index: int) -> bool:
        """ "black and white and red": whether a colour, and no more than "and", stands before."""
        return self.codes[:index].rstrip("UX").endswith("C")

    def _whole(self, item: Item) -> None:
        draft, value = self.draft, item.value
        self.link = None
        if item.code == "B":
            draft.set_ground(value)
        elif item.code == "I":
            draft.set_light(value)
        elif item.code == "H":
            draft.shadow = value
        elif item.code == "Y":
            draft.set_style(value)
        elif item.code == "b":
            draft.blurred = value
        elif item.code == "c":
            draft.camera[value[0]] = value[1]
        elif item.code == "q":
            draft.texts.append(value)
        elif item.code == "w" and value is not None and item.text.lower() != value:
            draft.note(value)
        elif item.code == "w":
            draft.loose.append(item.text.lower())


def _is_had(name: str) -> bool:
    """Whether something of this name is part of a body or worn on it."""
    return name.rsplit(" ", 1)[-1] in words.BODY or words.is_worn(name)


def _join(first: PartialPlace, second: PartialPlace) -> PartialPlace:
    """Both together; where both say something, the second counts."""
    return PartialPlace(second.row or first.row, second.column or first.column)


def gerund(lemma: str) -> str:
    """ "fly" -> "flying", "ride" -> "riding", "run" -> "running"."""
    if re.search(r"[^aeiou]e$|ue$", lemma):
        return lemma[:-1] + "ing"
    if re.search(r"^[^aeiou]*[aeiou][bdgklmnprt]$", lemma):
        return f"{lemma}{lemma[-1]}ing"
    return lemma + "ing"
