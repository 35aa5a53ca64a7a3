"""What an instruction refers to, and what it says about the scene as a whole."""

from __future__ import annotations

import re
from typing import Any

from sartor.bridge.english.arrangement import CELLS, COLUMNS, ROWS
from sartor.bridge.english.colors import replace_hex
from sartor.bridge.english.draft import Piece
from sartor.bridge.english.grammar import NO_TRANSPARENCY, Ground, Group
from sartor.bridge.english.lexicon import PartialPlace
from sartor.bridge.english.people import ANYBODY
from sartor.bridge.english.references import LESS
from sartor.bridge.english.tagging import Item, words_of
from sartor.bridge.english.wording import BLURRED, background_of
from sartor.bridge.refining.actors import Actor, Stage
from sartor.bridge.refining.hours import Circumstance, find_hour, find_weather
from sartor.nano.vocabulary import LIGHTING, SHADOWS, STYLE_BY_NAME

Path = tuple[str, ...]
UNSET = ""  # in ``asked``: the field is to be left out
_FIELDS: dict[str, list[Path]] = {
    "G": [("background_setting",)],
    "B": [("background_setting",)],
    "I": [("lighting", "conditions")],
    "H": [("lighting", "shadows")],
    "b": [("photographic_characteristics", "depth_of_field")],
    "Y": [("style_medium",), ("artistic_style",)],
}
_DEGREE = re.compile(r"(?:\b(?:more|less|very|slightly|much|far)\s+)+$", re.IGNORECASE)
_LEAD = 60  # characters before an item that may be its degree
_SHADED = re.compile(r"(?:an? |the )?((?:(?:more|less) )?\w+(?:er)?|(?:more|less) \w+) background", re.IGNORECASE)
_END = re.compile(r"[.,;:!?\n]|\b(?:and|then|but)\b")
_GENDERS = {"he": "male", "him": "male", "his": "male", "she": "female", "her": "female"}
_ORDER = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}
_REST = frozenset({"other", "rest"})
_ANYTHING = frozenset({"thing", "object", "item", "one", "animal", "subject", "figure", "character"})


class Scope:
    """``asked``: fields that were set outright, None where the captions' rule knows the text. ``last``: named last."""

    def __init__(self, stage: Stage, instruction: str = "") -> None:
        self.stage = stage
        self.instruction = instruction
        self._as_written = replace_hex(instruction) == instruction  # else the items stand elsewhere
        self.last: Actor | None = None
        self.asked: dict[Path, Any] = {}
        self.notes: list[str] = []
        self.loose: list[str] = []
        self.ground: Ground | None = None  # named by this instruction
        self.lettered = False  # the clause before was about words in the picture

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def spoken(self, items: list[Item]) -> str:
        """The items' words as they were written, with what says nothing to the grammar."""
        start, end = items[0].start, items[-1].end
        if start < 0 or not self._as_written:
            return words_of(items)
        lead = _DEGREE.search(self.instruction, max(0, start - _LEAD), start)
        return " ".join(self.instruction[lead.start() if lead else start : end].split())

    def is_less(self, item: Item) -> bool:
        """ "less cute", "not so dark"."""
        return item.value == LESS or self.spoken([item]).lower().startswith("less ")

    def clause(self, items: list[Item]) -> str:
        """As ``spoken``, to the clause's end."""
        spoken, end = self.spoken(items), items[-1].end
        if end < 0 or not self._as_written:
            return spoken
        rest = _END.search(self.instruction, end)
        return " ".join(f"{spoken}{self.instruction[end : rest.start() if rest else None]}".split())

    def texts(self) -> list[dict[str, Any]]:
        """The words in the picture, with what the instruction has made of them so far."""
        if ("text_render",) in self.asked:
            return self.asked[("text_render",)] or []
        told: list[dict[str, Any]] = self.stage.values.get("text_render", [])
        return told

    def missing(self, group: Group) -> None:
        self.note(f"there is no {group.noun} in the scene")

    def note_new(self, piece: Piece) -> None:
        if piece.concept is None:
            self.note(f'unknown thing, described in your words: "{piece.phrase}"')
        elif piece.adjectives:
            self.note(f'words beyond the vocabulary, in the description: "{piece.phrase}"')
        self.note_color(piece)

    def note_color(self, piece: Piece) -> None:
        for color, shown in zip(piece.colors, piece.named_colors(), strict=False):
            if color != shown:
                self.note(f'"{color}" is {shown} here')

    def find(self, group: Group) -> list[Actor]:
        """The actors that the group means; its colour, place or order choose among several. [] if there is none."""
        if group.definite and (group.noun in _REST or "other" in group.adjectives):
            return self._others(group)
        found = [actor for actor in self.stage.actors if actor.piece.is_called(group)]
        if not found:
            found = [actor for actor in self.stage.actors if _is_kind_of(actor, group)]
        if not found and group.noun in _ANYTHING:
            there = [actor for actor in self.stage.actors if actor.entry is not None]
            found = there or self.stage.actors[:]
        if not found:
            found = [actor for actor in self.stage.actors if actor.freely and _is_part_of_name(actor, group)]
        if not found and group.definite and group.noun in ANYBODY:
            people = [actor for actor in self.stage.actors if actor.animate and "gender" in (actor.entry or {})]
            found = [actor for actor in people if ANYBODY[group.noun] in {"", actor.gender}]
            found = found if len(found) == 1 else []
        if len(found) > 1:
            found = [actor for actor in found if _fits(actor, group)] or _nearest(found, group.place)
            order = order_of(group)
            if order is not None and -len(found) <= order < len(found):
                found = [found[order]]
        return found if group.plural or not found else found[:1]

    def _others(self, group: Group) -> list[Actor]:
        """ "the others", "the other cat": all such but what was named last, else but the first."""
        every = group.noun in _REST | _ANYTHING
        such = [actor for actor in self.stage.actors if every or actor.piece.is_called(group)]
        spared = self.last if self.last in such else such[0] if self.last is None and such else None
        others = [actor for actor in such if actor is not spared]
        return others if group.plural or group.noun in _REST else others[:1]

    def tells(self, group: Group) -> bool:
        """Whether the surroundings or the summary name the group's noun."""
        told = f"{self.stage.setting or ''} {self.stage.values.get('short_description', '')}"
        return re.search(rf"\b{re.escape(group.head)}\b", told, re.IGNORECASE) is not None

    def pronoun(self, word: str) -> list[Actor]:
        """Whom "him", "her", "it" or "they" means: what was named last, if that can be; else the first that can."""
        actors = self.stage.actors
        if word == "both":
            return actors[:1] if actors and actors[0].piece.count == 2 else actors[:2]
        if word in {"they", "them"} and self.last is None:
            return [actor for actor in actors if actor.animate] or actors[:]
        gender = _GENDERS.get(word, "")
        fitting = [actor for actor in actors if actor.animate] if gender else actors
        fitting = [actor for actor in fitting if gender and actor.gender == gender] or fitting or actors
        return [self.last] if self.last is not None and self.last in fitting else fitting[:1]

    def whole(self, item: Item, *, remove: bool) -> bool:
        """Background, light, shadow, blur, style, camera, text. False where nothing was said."""
        code, value = item.code, item.value
        stage, asked = self.stage, self.asked
        if remove and all(actor.nameless for actor in stage.actors) and self._unset(item):
            return True
        if code == "G":
            if not remove:
                return False
            self.set_ground(Ground("plain", ("white",)))
        elif code == "B":
            if remove and not self._shows(value):
                self.note(f"there is no {item.text.lower()} in the scene")
                return True
            hour = find_hour(item.text) if value.kind in {"night", "sunset"} else None
            degree = _SHADED.fullmatch(item.text.strip()) if value.kind == "free" else None
            if degree is not None and stage.setting is not None and not remove:
                self.amend(Circumstance(degree.group(1).lower(), "", "other"), add=True)
                return True
            weather = find_weather(item.text) if " " not in item.text else None  # "snowy"
            if hour is not None and stage.setting is not None and not remove:
                self.set_hour(hour)
            elif weather is not None and stage.setting is not None and not remove:
                self.amend(weather)
            else:
                self.set_ground(Ground("plain", ("white",)) if remove else value)
        elif remove and code in "IcY":
            self._refuse(item)
        elif code == "I":
            self._light(value)
        elif code == "H":
            stage.shadow = "none" if remove else value
            asked[("lighting", "shadows")] = SHADOWS[stage.shadow]
        elif code == "b":
            stage.background.blurred = value and not remove
            asked[("photographic_characteristics", "depth_of_field")] = BLURRED[stage.background.blurred]
        elif code == "c":
            asked[value[0]] = value[1]
        else:
            self._style(value)
        return True

    def _refuse(self, item: Item) -> None:
        """ "no pixel art", "not a photo": what is there goes, and nothing else comes for it."""
        values, value = self.stage.values, item.value
        if item.code == "I":
            light = LIGHTING[value] if isinstance(value, str) else value[1]
            if values.get("lighting", {}).get("conditions") == light:
                self._light("even")
                return
        elif item.code == "c":
            (section, name), told = value
            if values.get(section, {}).get(name) == told:
                self.asked[value[0]] = UNSET
                return
        else:
            medium = STYLE_BY_NAME[value].style_medium if isinstance(value, str) else value[1]
            named = "artistic_style" if not isinstance(value, str) and value[0] == "manner" else "style_medium"
            if values.get(named) == medium:
                self.stage.style = None
                self.asked[(named,)] = UNSET
                if isinstance(value, str) and values.get("artistic_style") == STYLE_BY_NAME[value].artistic_style:
                    self.asked[("artistic_style",)] = UNSET
                return
        self.note(f'refused, and not there: "{item.text.lower()}"')

    def _unset(self, item: Item) -> bool:
        """A visual schema loses the field, for it need not say what every picture looks like."""
        if item.code == "B" and not self._shows(item.value):
            return False
        paths = _FIELDS.get(item.code, [item.value[0]] if item.code == "c" else [])
        for path in paths:
            self.asked[path] = UNSET
        return bool(paths)

    def _shows(self, ground: Ground) -> bool:
        """Whether the background is this one; one in someone's own words, whether they name it."""
        background, setting = self.stage.background, self.stage.setting
        if setting is None:
            return background_of(ground, blurred=background.blurred) == (background, None)
        named = " ".join([*ground.colors, ground.text or ("" if ground.kind == "plain" else ground.kind)])
        told = set(re.findall(r"\w+", setting.lower()))
        return any(word in told for word in re.findall(r"\w+", named.lower()))

    def set_ground(self, ground: Ground) -> None:
        blurred = self.stage.background.blurred
        hours = {"night": "dim", "sunset": "warm"}
        if self.ground is not None and ground.kind in hours:
            self._light(hours[ground.kind])  # "on a beach at sunset": the beach stays
            return
        if self.ground is not None and self.ground.kind in hours:
            self._light(hours[self.ground.kind])
        if ground.text == "transparent":
            self.note(NO_TRANSPARENCY)
        self.ground = ground
        self.stage.background, self.stage.setting = background_of(ground, blurred=blurred)
        self.stage.circumstances.clear()
        self.stage.relocated = True
        if ground.kind == "free":
            self.note(f'background in your words, unknown to the embedded model: "{ground.text}"')
        self.asked[("background_setting",)] = self.stage.setting

    def set_hour(self, hour: Circumstance) -> None:
        """Someone's own surroundings stay; only the hour changes."""
        if hour.light is not None:
            self._light(hour.light)
        self.amend(hour)

    def amend(self, circumstance: Circumstance, *, add: bool = False) -> None:
        """Someone's own surroundings at another hour or in other weather. add: beside what they tell."""
        self.stage.circumstances.append((circumstance, add))
        if self.stage.setting is None:
            return
        self.stage.setting = circumstance.told(self.stage.setting, add=add)
        self.asked[("background_setting",)] = self.stage.setting
        if circumstance.kind != "hour" and not circumstance.silent:
            self.note(f'background in your words, unknown to the embedded model: "{circumstance.phrase}"')

    def _light(self, value: str | tuple[str, str]) -> None:
        if isinstance(value, str):
            self.stage.light = value
            self.asked[("lighting", "conditions")] = LIGHTING[value]
        else:
            self.asked[("lighting", "conditions")] = value[1]
            self.note(f'light in your words, unknown to the embedded model: "{value[1]}"')

    def _style(self, value: str | tuple[str, str]) -> None:
        if isinstance(value, str):
            style = STYLE_BY_NAME[value]
            self.stage.style = value
            self.asked[("style_medium",)], self.asked[("artistic_style",)] = style.style_medium, style.artistic_style
        elif value[0] == "medium":
            self.stage.style = None
            self.asked[("style_medium",)] = value[1]
            self.note(f'style in words, unknown to the embedded model: "{value[1]}"')
        else:
            self.asked[("artistic_style",)] = value[1]
            self.note(f'manner in your words, unknown to the embedded model: "{value[1]}"')


def _is_kind_of(actor: Actor, group: Group) -> bool:
    """ "the tree" is a pine tree, "the ball" a tennis ball, where there is no other."""
    return group.definite and actor.piece.head.endswith(f" {group.noun}")


def _is_part_of_name(actor: Actor, group: Group) -> bool:
    """ "the fox" is a fox head, "the roses" are rose petals."""
    return " " not in group.noun and group.noun in actor.piece.noun.split()[:-1] and group.definite


def order_of(group: Group) -> int | None:
    """The index that "the first", "the last" gives among several."""
    return next((_ORDER[word] for word in group.adjectives if word in _ORDER), None)


def _nearest(actors: list[Actor], place: PartialPlace | None) -> list[Actor]:
    """Of several, none of which is at the place, the one that is nearest to it; all where the place tells none."""
    if place is None:
        return actors
    across = sorted(actors, key=lambda actor: CELLS[actor.place][::-1])
    if place.column == "center" and place.row in {None, "center"}:
        return [across[len(across) // 2]] if len(across) % 2 else actors
    ends = {"left": across[0], "right": across[-1]}
    down = sorted(actors, key=lambda actor: CELLS[actor.place])
    ends |= {"top": down[0], "bottom": down[-1]}
    return [ends[place.column or place.row or ""]] if (place.column or place.row) in ends else actors


def _fits(actor: Actor, group: Group) -> bool:
    row, column = CELLS[actor.place]
    place = group.place
    if place is not None and (
        (place.row and place.row != ROWS[row]) or (place.column and place.column != COLUMNS[column])
    ):
        return False
    colors = {*actor.shown, *actor.piece.named_colors()}
    wanted = Piece(group.noun, colors=list(group.colors)).named_colors()
    return all(color in colors for color in wanted) and (group.size is None or group.size == actor.size)
