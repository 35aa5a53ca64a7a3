"""A ``short_description`` after a refinement: the captions' own is written anew, someone else's is kept where it is
still true, changed where it names what changed, and continued by what is new.
"""

from __future__ import annotations

import re

from sartor.bridge.actors import Actor, Stage
from sartor.bridge.adjectives import describe_noun
from sartor.bridge.colors import replace_hex
from sartor.bridge.recoloring import recolor
from sartor.bridge.restating import short
from sartor.bridge.tagging import Item
from sartor.bridge.wording import summarize
from sartor.nano.captions import Thing, article, phrase_background, phrase_colors, phrase_thing


def retell(text: str, items: list[Item], stage: Stage, setting_before: str | None) -> str:
    """The text brought up to date. ``items`` are its own, analysed; they tell where in it the background stands."""
    before, after = stage.before, stage.scene()
    old = summarize(before, [actor.word_before for actor in stage.former], short(setting_before))
    new = summarize(after, stage.words(), short(stage.setting))
    for noun, color in ((noun, color) for actor in stage.actors for noun, color in actor.painted_parts.items()):
        text = recolor(text, noun, color) if _names(text, noun) else text
    if old == new:
        return text
    pairs = list(zip(stage.actors, after.things, strict=True))
    if text == old or _untrue(text, stage, pairs):
        return new
    if (before.background, setting_before) != (after.background, stage.setting):
        text = _elsewhere(text, items, _place_of(stage))
    for actor, thing in pairs:
        text = _edit(text, actor, thing)
    added = [phrase_thing(thing, actor.piece.phrase) for actor, thing in pairs if actor.entry is None]
    return _continued(text, f"with {' and '.join(added)}") if added else text


def _untrue(text: str, stage: Stage, pairs: list[tuple[Actor, Thing]]) -> bool:
    """Whether it names what is gone, another number of what is there, or where something was."""
    gone = [actor for actor in stage.former if actor not in stage.actors]
    counted = [actor for actor, thing in pairs if actor.before and actor.before.count != thing.count]
    if any(_names(text, actor.word_before) for actor in [*gone, *counted]):
        return True
    moved = [actor.before.place for actor, thing in pairs if actor.before and actor.before.place != thing.place]
    ways = {word for place in moved for word in place.split()}
    return any(_names(text, way) for way in ways)


def _names(text: str, phrase: str) -> bool:
    noun = phrase.rsplit(" ", 1)[-1]
    return re.search(rf"\b{re.escape(noun)}(?:e?s)?\b", text, re.IGNORECASE) is not None


def _edit(text: str, actor: Actor, thing: Thing) -> str:
    if actor.entry is None or actor.before is None or not _names(text, actor.word_before):
        return text
    noun = actor.word_before.rsplit(" ", 1)[-1]
    if not actor.replaced:
        known = actor.word_before.split()
        for adjective in actor.piece.adjectives:
            text = text if adjective in known else describe_noun(text, noun, adjective)
        return recolor(text, noun, phrase_colors(thing.colors)) if _painted(actor, thing) else text
    phrase = re.sub(r"^(?:an?|the) ", "", phrase_thing(thing, actor.piece.phrase))
    return re.sub(rf"(?:\b(an?) )?\b{re.escape(actor.word_before)}\b|\b{re.escape(noun)}\b",
                  lambda match: _with_article(match, phrase), text, count=1, flags=re.IGNORECASE)  # fmt: skip


def _painted(actor: Actor, thing: Thing) -> bool:
    return thing.recolored and actor.before is not None and thing.colors != actor.before.colors


def _with_article(match: re.Match[str], phrase: str) -> str:
    if not match.group(1):
        return phrase
    told = article(phrase)
    return told[:1].upper() + told[1:] if match.group(1)[0].isupper() else told


def _place_of(stage: Stage) -> str:
    if stage.setting is not None:
        return f"in front of {short(stage.setting)}"
    how = "on" if stage.background.kind in {"plain", "gradient"} else "in front of"
    return f"{how} {article(phrase_background(stage.background))}"


def _elsewhere(text: str, items: list[Item], place: str) -> str:
    whole = replace_hex(text) == text  # else the items stand elsewhere
    told = next((item for item in items if whole and item.code == "B" and item.start >= 0), None)
    return f"{text[: told.start]}{place}{text[told.end :]}" if told else _continued(text, place)


def _continued(text: str, words: str) -> str:
    """The words at the end of the last sentence."""
    stem = text.rstrip(" .")
    return f"{stem}, {words}{text[len(stem) :].strip()}"
