"""What an instruction says of how the whole is drawn: "make it simpler", "less detail", "thicker lines". No thing's."""

from __future__ import annotations

import re

from sartor.bridge.english.grammar import Group
from sartor.bridge.english.patterns import any_of
from sartor.bridge.english.scales import base
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.adjectives import describe_noun
from sartor.bridge.refining.looks import add_look
from sartor.bridge.refining.parts import find_part
from sartor.bridge.refining.recoloring import find_noun
from sartor.bridge.refining.scope import Scope
from sartor.bridge.refining.surrounding import find_surrounding

_STYLE, _COLOR_SCHEME = ("artistic_style",), ("aesthetics", "color_scheme")
_LOOKS = word_set("simple detailed intricate elaborate complex busy cluttered minimal minimalist minimalistic abstract "
                  "stylized stylised cartoonish painterly realistic")  # fmt: skip
_STRONG, _MUTED = word_set("colorful colourful vibrant saturated vivid"), word_set("muted desaturated")
_COLORFUL = _STRONG | _MUTED
# What there is instead of less of it.
_OPPOSITES = {
    word: opposite
    for opposite, words in {
        "simple": "detailed intricate elaborate complex busy cluttered",
        "detailed": "simple minimal minimalist minimalistic",
        "realistic": "abstract stylized stylised cartoonish",
        "stylized": "realistic",
        "muted colors": "colorful colourful vibrant saturated vivid",
        "vivid colors": "muted desaturated",
    }.items()
    for word in words.split()
}
_LINES = word_set("line outline stroke contour brushstroke linework")
_LINES_ARE = word_set("thick thin bold fine soft smooth sharp clean rough loose heavy delicate crisp wobbly straight")
_VERBS = word_set("make have let use want need give draw get be add put show keep turn render look")
_IT = frozenset({"it", "this", "that", "everything"})
_SIMPLIFY = re.compile(
    r"^(?:please )?simplify(?: (?:it|this|everything|the (?:\w+ )?(?:picture|image|illustration|drawing|design|icon|"
    r"logo|scene|style)))?(?: (?:a bit|a little|further|more))?$",
    re.IGNORECASE,
)
# The tagger sees no adjective in "smoother lines".
_BARE_LINES = re.compile(r"^(?:please )?(?:use |with )?(\w+) (lines|outlines|strokes|contours)$", re.IGNORECASE)
_ELSE = re.compile(
    r"\b(?:everything|all) else (?:should be |to be |is )?(?:in |into |to )?(black and white|gr[ae]y ?scale|"
    r"monochrome|sepia)$",
    re.IGNORECASE,
)


def follow_manner(scope: Scope, items: list[Item]) -> bool:
    """False where a thing is spoken of, or nothing of this kind is said."""
    if _SIMPLIFY.search(scope.clause(items)):
        return scope.last is None and add_look(scope, "simple")
    if spared := _ELSE.search(scope.clause(items)):
        return _all_else(scope, spared.group(1).lower())
    groups = [item for item in items if item.code == "@"]
    bare = _BARE_LINES.search(scope.clause(items).lower())
    if bare and base(bare.group(1)) in _LINES_ARE and not any(scope.find(item.value) for item in groups):
        return _draw(scope, bare.group(1), bare.group(2))
    if any(item.code in "nqGBLRTWF" or (item.code == "V" and item.lemma not in _VERBS) for item in items):
        return False
    if len(groups) == 1:
        return _lines(scope, groups[0].value, items) or _detail(scope, groups[0].value, items)
    told = [item for item in items if item.code in "AMy"]
    rest = [item for item in items if item not in told]
    if groups or not told or any(item.code not in "VvipUXP" for item in rest):
        return False
    if not all(_means_all(scope, item, items) for item in told):
        return False
    for item in told:
        _tell(scope, item)
    return True


def follow_manner_word(scope: Scope, item: Item, items: list[Item]) -> bool:
    """ "brighter and more colorful": one word of a clause that says other things, too."""
    return _means_all(scope, item, items) and _tell(scope, item)


def _means_all(scope: Scope, item: Item, items: list[Item]) -> bool:
    """Whether the word is of the whole here: one that only the whole can be, and "it" is no thing named before."""
    word = base(item.text.lower())
    known = word in _LOOKS | _COLORFUL and scope.last is None
    if not known or any(other.code == "i" and other.text.lower() not in _IT for other in items):
        return False
    if scope.is_less(item):
        return not any(word in str((actor.entry or {}).get("description", "")).lower() for actor in scope.stage.actors)
    return True


def _tell(scope: Scope, item: Item) -> bool:
    word = base(item.text.lower())
    told = _OPPOSITES[word] if scope.is_less(item) and word in _OPPOSITES else word
    return _color(scope, told) if word in _COLORFUL else add_look(scope, told)


def _color(scope: Scope, told: str) -> bool:
    """Beside the colours that somebody wrote, without what it contradicts; in the place of the captions' own."""
    known = "" if scope.stage.composed else str(scope.stage.values.get("aesthetics", {}).get("color_scheme", ""))
    against = _STRONG if told.split()[0] in _MUTED else _MUTED
    scheme = re.sub(rf"\b{any_of(against)} ", "", known)
    scope.asked[_COLOR_SCHEME] = ", ".join(filter(None, [told, scheme]))
    scope.note(f'in your words in aesthetics.color_scheme: "{told}"')
    return True


def _detail(scope: Scope, group: Group, items: list[Item]) -> bool:
    """ "less detail", "add more details"."""
    if group.noun not in {"detail", "fine detail"} or any(item.code not in "Vvi@P" for item in items):
        return False
    spoken = scope.spoken(items).lower()
    return add_look(scope, "simple" if re.search(r"\b(?:less|fewer|no|little)\b", spoken) else "detailed")


def _lines(scope: Scope, group: Group, items: list[Item]) -> bool:
    """ "make the lines thicker", "thinner outlines": of the manner's own lines where it tells any."""
    noun = group.noun.rsplit(" ", 1)[-1]
    told = [*group.adjectives, *(item.text.lower() for item in items if item.code in "AM")]
    others = [item for item in items if item.code not in "VviPAM@"]
    if noun not in _LINES or len(told) != 1 or others or group.colors or group.count:
        return False
    if base(told[0]) not in _LINES_ARE or scope.find(group) or find_part(scope.stage.actors, group):
        return False
    if find_surrounding(scope, group) is not None:
        return False
    return _draw(scope, told[0], f"{noun}s" if noun != "linework" else noun)


def _draw(scope: Scope, told: str, noun: str) -> bool:
    style = str(scope.stage.values.get("artistic_style", ""))
    own = next((word for word in ("line", "outline", "stroke") if find_noun(style, word)), None)
    if own is None:
        return add_look(scope, f"{told} {noun}")
    scope.asked[_STYLE] = describe_noun(style, own, told)
    scope.note(f'in your words in artistic_style: "{told}"')
    return True


def _all_else(scope: Scope, look: str) -> bool:
    """ "everything else black and white": a look of the whole, but for what was named last, else the first thing."""
    spared = scope.last or next(iter(scope.stage.actors), None)
    scope.asked[_COLOR_SCHEME] = f"{look}, except for the {spared.called}" if spared else look
    scope.note(f'in your words in aesthetics.color_scheme: "{scope.asked[_COLOR_SCHEME]}"')
    return True
