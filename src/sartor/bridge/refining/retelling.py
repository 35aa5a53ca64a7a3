"""A ``short_description`` after a refinement: the captions' own is written anew, someone else's is kept where it is
still true, changed where it names what changed, and continued by what is new.
"""

from __future__ import annotations

import re

from sartor.bridge.english.colors import replace_hex
from sartor.bridge.english.patterns import any_of
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.wording import before as in_front_of
from sartor.bridge.english.wording import summarize
from sartor.bridge.refining.actors import Actor, Stage
from sartor.bridge.refining.adjectives import describe_noun, drop
from sartor.bridge.refining.bearing import retell_bearing
from sartor.bridge.refining.hours import find_hour
from sartor.bridge.refining.phrases import become, count, cut, rename
from sartor.bridge.refining.recoloring import find_noun, recolor
from sartor.bridge.refining.restating import short
from sartor.nano.captions import Thing, article, phrase_background, phrase_colors, phrase_thing

_HOURS = frozenset({"night", "sunset"})  # backgrounds that are hours, too
_BEFORE_PLACE = "on|in|at|by|near|above|under|beside|along|against|beneath|over|through|across|inside|in front of"
_WITHIN = re.compile(rf"[,.;:]|\b(?:{_BEFORE_PLACE}|with|and|of|an?|the)\b", re.IGNORECASE)


def retell(text: str, items: list[Item], stage: Stage, setting_before: str | None) -> str:
    """The text brought up to date. ``items`` are its own, analysed; they tell where in it the background stands."""
    before, after = stage.before, stage.scene()
    old = summarize(before, [actor.word_before for actor in stage.former], short(setting_before))
    new = summarize(after, stage.words(), short(stage.setting))
    text = _renamed(_borne(text, stage), stage)
    for noun, color in ((noun, color) for actor in stage.actors for noun, color in actor.painted_parts.items()):
        text = recolor(text, noun, color) if _names(text, noun) else text
    pairs = list(zip(stage.actors, after.things, strict=True))
    if old == new and not any(actor.painted(thing) for actor, thing in pairs):  # it tells the first colour alone
        return _meanwhile(text, stage)
    true = None if text == old else _true(text, stage, pairs)
    if true is None:
        return new
    text = true
    if (before.background, setting_before) != (after.background, stage.setting) and stage.relocated:
        text = _elsewhere(text, items, _place_of(stage), setting_before)
    text = _meanwhile(text, stage)
    for actor, thing in pairs:
        text = _edit(text, actor, thing)
    added = [_new(actor, thing) for actor, thing in pairs if actor.entry is None]
    return _continued(text, f"with {' and '.join(added)}") if added else text


def _new(actor: Actor, thing: Thing) -> str:
    return " ".join(filter(None, [phrase_thing(thing, actor.piece.phrase), actor.relation_told]))


def _true(text: str, stage: Stage, pairs: list[tuple[Actor, Thing]]) -> str | None:
    """The text without what is gone, and with the number of what is there; None where it cannot be brought up to
    date, or tells where something was."""
    told: str | None = text
    for actor in stage.former:
        if told is not None and actor not in stage.actors and _names(told, actor.word_before):
            told = cut(told, _last(actor), " ".join(map(str, (actor.entry or {}).values())))
            told = None if told is not None and _names(told, actor.word_before) else told
    for actor, thing in pairs:
        counted = actor.before is not None and actor.before.count != thing.count
        if told is not None and counted and _names(told, actor.word_before):
            told = count(told, _last(actor), thing.count)
    moved = [actor.before.place for actor, thing in pairs if actor.before and actor.before.place != thing.place]
    ways = {word for place in moved for word in place.split()}
    return None if told is None or any(_names(told, way) for way in ways) else told


def _last(actor: Actor) -> str:
    return actor.word_before.rsplit(" ", 1)[-1]


def _names(text: str, phrase: str) -> bool:
    return find_noun(text, phrase.rsplit(" ", 1)[-1]) is not None


def _edit(text: str, actor: Actor, thing: Thing) -> str:
    if actor.entry is None or actor.before is None or not _names(text, actor.word_before):
        return text
    noun = _last(actor)
    if not actor.replaced:
        noun = actor.piece.noun if _names_phrase(text, actor.piece.noun) else noun
        known = actor.word_before.split()
        for adjective in actor.dropped:
            text = drop(text, adjective)
        for adjective in actor.piece.adjectives:
            text = text if adjective in known else describe_noun(text, noun, adjective)
        return recolor(text, noun, phrase_colors(thing.colors)) if actor.painted(thing) else text
    phrase = re.sub(r"^(?:an?|the) ", "", phrase_thing(thing, actor.piece.phrase))
    if actor.before.count == thing.count > 1:
        phrase = phrase.partition(" ")[2]  # the number is told, or left out
        return become(text, noun, phrase, actor.described_before) or text
    if actor.before.count == thing.count == 1:
        whole = become(text, noun, phrase, actor.described_before)
        if whole is not None:
            return whole
    return re.sub(rf"(?:\b(an?) )?\b{re.escape(actor.word_before)}\b|\b{re.escape(noun)}\b",
                  lambda match: _with_article(match, phrase), text, count=1, flags=re.IGNORECASE)  # fmt: skip


def _with_article(match: re.Match[str], phrase: str) -> str:
    if not match.group(1):
        return phrase
    told = article(phrase)
    return told[:1].upper() + told[1:] if match.group(1)[0].isupper() else told


def _place_of(stage: Stage) -> str:
    setting = short(stage.setting)
    if setting is not None:
        for circumstance, _ in stage.circumstances:  # told in the text's own place
            setting = setting.removesuffix(f", {circumstance.phrase}")
        return in_front_of(setting)
    how = "on" if stage.background.kind in {"plain", "gradient"} else "in front of"
    return f"{how} {article(phrase_background(stage.background))}"


def _elsewhere(text: str, items: list[Item], place: str, setting_before: str | None) -> str:
    """The place for the background that the text tells, or for the former surroundings, else at the end."""
    whole = replace_hex(text) == text  # else the items stand elsewhere
    told = [item for item in items if whole and item.code == "B" and item.start >= 0]
    hour = next((item for item in told if item.value.kind in _HOURS), None)
    ground = next((item for item in told if item is not hour), None)
    if ground is not None:
        return f"{text[: ground.start]}{place}{text[ground.end :]}"
    moved = _moved(text, place, setting_before)
    if moved is not None:
        return moved
    return f"{text[: hour.start]}{place}{text[hour.end :]}" if hour else _continued(text, place)


def _moved(text: str, place: str, setting_before: str | None) -> str | None:
    """ "on a wooden pier", where that is what the surroundings were, gives way; None where the text names none."""
    parts = [part.strip() for part in _WITHIN.split(setting_before or "")]
    named = {part for part in parts if len(part) > 3 and find_hour(part) is None}
    found = list(re.finditer(rf" \b(?:{_BEFORE_PLACE})(?: an?| the)? {any_of(named)}\b", text, re.IGNORECASE))
    for index, match in enumerate(reversed(found), 1):
        instead = f" {place}" if index == len(found) else ""
        text = f"{text[: match.start()]}{instead}{text[match.end() :]}"
    return text if found else None


def _renamed(text: str, stage: Stage) -> str:
    """The text with what became of words that the surroundings and things' names have."""
    for noun, edit in stage.edits:
        text = edit(text) if _names(text, noun) else text
    for old, new in (actor.renamed for actor in stage.actors if actor.renamed):
        text = rename(text, old, new)
    return text


def _borne(text: str, stage: Stage) -> str:
    """The text with the new face and pose of the one thing that has any."""
    animate = [actor for actor in stage.former if actor.animate]
    return retell_bearing(text, animate[0]) if len(animate) == 1 and animate[0] in stage.actors else text


def _meanwhile(text: str, stage: Stage) -> str:
    """The text at another hour or in other weather: in place of what it tells, else continued by it."""
    for circumstance, add in stage.circumstances:
        changed = None if add else circumstance.swapped(text)
        if changed is not None:
            text = changed
        elif not circumstance.silent and stage.setting is not None and not _names_phrase(text, circumstance.phrase):
            text = _continued(text, circumstance.phrase)
    return text


def _names_phrase(text: str, phrase: str) -> bool:
    return re.search(rf"\b{re.escape(phrase)}\b", text, re.IGNORECASE) is not None


def _continued(text: str, words: str) -> str:
    """The words at the end of the last sentence."""
    stem = text.rstrip(" .")
    return f"{stem}, {words}{text[len(stem) :].strip()}"
