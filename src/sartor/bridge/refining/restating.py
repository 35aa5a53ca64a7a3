"""Writing a refined stage back into its prompt so that only what was asked for changes.

A field changes if the captions' rule gives another text for it after the refinement than before. Where the field holds
the rule's own text it gets the rule's new one; where someone else wrote it, only what was asked for is edited.
"""

from __future__ import annotations

import re
from typing import Any

from sartor.bridge.english.colors import color_names
from sartor.bridge.english.draft import DETAILS
from sartor.bridge.english.lexicon import plural
from sartor.bridge.english.patterns import literally
from sartor.bridge.english.scene import finish_entry, orientation_of
from sartor.bridge.refining.actors import Actor, Stage
from sartor.bridge.refining.adjectives import describe_noun, drop
from sartor.bridge.refining.bearing import retell_bearing
from sartor.bridge.refining.phrases import rename, several
from sartor.bridge.refining.recoloring import colors_before, recolor, swap
from sartor.nano.captions import Scene, Thing, describe, describe_thing, phrase_colors, relationship

Path = tuple[str, ...]
_SCENE_FIELDS: tuple[Path, ...] = (
    ("background_setting",),
    ("lighting", "conditions"),
    ("lighting", "direction"),
    ("lighting", "shadows"),
    ("aesthetics", "composition"),
    ("aesthetics", "color_scheme"),
    ("aesthetics", "mood_atmosphere"),
    ("photographic_characteristics", "depth_of_field"),
    ("style_medium",),
    ("artistic_style",),
)
_COLORS = color_names()
_COLOR_SCHEME = ("aesthetics", "color_scheme")


def restate(values: dict[str, Any], stage: Stage, asked: dict[Path, str | None]) -> None:
    """Edits ``values`` in place. ``asked`` holds fields that the words set outright (None: what the rule says).
    ``short_description`` is left to ``retelling``."""
    before, after = stage.before, stage.scene()
    scheme = _recolored_scheme(values, stage, after.things)
    _restate_objects(values, stage, after.things)
    rule_before, rule_after = _rules(before), _rules(after)
    if any(not thing.colors for thing in after.things):
        rule_after.pop(_COLOR_SCHEME, None)  # nobody knows what colour that thing will have
    if stage.setting is not None:
        rule_after[("background_setting",)] = stage.setting
        rule_after.pop(_COLOR_SCHEME, None)
    for path in _SCENE_FIELDS:
        old, new = rule_before.get(path), rule_after.get(path)
        if path in asked:
            _put(values, path, new if asked[path] is None else asked[path] or None)
        elif old is not None and old != new and _get(values, path) == old:
            _put(values, path, new)
        elif path == _COLOR_SCHEME and scheme:
            _put(values, path, scheme)
    for path, text in asked.items():
        if path not in _SCENE_FIELDS:
            _put(values, path, text or None)


def _recolored_scheme(values: dict[str, Any], stage: Stage, things: list[Thing]) -> str | None:
    """Somebody else's colour scheme with the colours of what is painted by their new ones."""
    text: str | None = _get(values, _COLOR_SCHEME)
    for actor, thing in zip(stage.actors, things, strict=True):
        if text and actor.entry is not None and not actor.replaced and actor.painted(thing):
            own = colors_before(actor.entry.get("description", ""), actor.piece.noun)
            text = swap(text, own, phrase_colors(thing.colors))
    return text


def short(setting: str | None) -> str | None:
    """The first clause of a background in free words, for the summary."""
    if setting is None:
        return None
    clause = re.split(r"[.;:]", setting, maxsplit=1)[0].strip() or setting
    if len(clause) > 80:
        clause = ", ".join(clause.split(", ")[:2])
    return clause[:1].lower() + clause[1:]


def _rules(scene: Scene) -> dict[Path, str]:
    prompt = describe(
        scene if scene.things else Scene([Thing("nothing")], scene.style, scene.background, scene.light, scene.shadow)
    )
    if not scene.things:
        del prompt["aesthetics"]["composition"]
    found = {path: _get(prompt, path) for path in _SCENE_FIELDS}
    return {path: text for path, text in found.items() if text is not None}


def _restate_objects(values: dict[str, Any], stage: Stage, after: list[Thing]) -> None:
    pieces = [actor.piece for actor in stage.actors]
    pairs = list(zip(stage.actors, after, strict=True))
    entries = []
    for actor, thing in pairs:
        if actor.entry is None:
            entry = describe_thing(thing, after, actor.piece.phrase)
            finish_entry(entry, actor.piece, thing, pieces, after)
            if actor.relation_told is not None:
                entry["relationship"] = actor.relation_told
        else:
            entry = actor.entry
            _restate_entry(entry, actor, thing)
            _restate_relationship(entry, actor, thing, stage, pairs)
            if entry.get("description"):
                entry["description"] = retell_bearing(entry["description"], actor)
            _add_details(entry, actor)
            if actor.renamed is not None:
                for name, value in entry.items():
                    entry[name] = rename(value, *actor.renamed) if isinstance(value, str) else value
        entries.append(entry)
    for old, new in (actor.renamed for actor in stage.actors if actor.renamed):
        for entry in entries if old not in new.split() else []:
            if "relationship" in entry:
                entry["relationship"] = rename(entry["relationship"], old, new)
    if entries or "objects" in values:
        values["objects"] = entries


def _restate_entry(entry: dict[str, Any], actor: Actor, thing: Thing) -> None:
    assert actor.before is not None
    old = describe_thing(actor.before, [actor.before], actor.word_before)
    new = describe_thing(thing, [thing], actor.piece.phrase)
    own_colors = colors_before(entry.get("description", ""), actor.piece.noun)
    old["orientation"], new["orientation"] = actor.orientation_before, orientation_of(actor.piece, thing)
    for name in ("description", "location", "relative_size", "shape_and_color", "number_of_objects", "orientation"):
        anew = (
            actor.replaced
            if name == "shape_and_color"
            else name == "description" and (actor.painted(thing) or bool(actor.dropped))
        )
        if old.get(name) == new.get(name) and not anew:
            continue
        if name == "description" and name not in entry and not actor.replaced:
            continue  # a thing without a name stays without one
        own = entry.get(name) == old.get(name) or actor.replaced
        if own or name not in {"description", "shape_and_color"}:
            if new.get(name) is None:
                entry.pop(name, None)
            else:
                entry[name] = new[name]
        elif name == "description":
            entry[name] = _edit_description(entry[name], actor, thing)
        elif thing.colors:
            shape, color = entry.get(name, ""), phrase_colors(thing.colors)
            swapped = swap(shape, own_colors, color)
            entry[name] = swapped if swapped != shape else _recolor_shape(shape, color)


def _edit_description(text: str, actor: Actor, thing: Thing) -> str:
    """A longer description with only its colour and adjectives brought up to date."""
    assert actor.before is not None
    noun = actor.piece.noun
    if actor.painted(thing):
        own, color = colors_before(text, noun), phrase_colors(thing.colors)
        text = recolor(text, noun, color)
        if len(own) == 1:
            text = swap(text, own, color)
    if actor.before.count == 1 and thing.count > 1:
        text = several(text, noun)
    for adjective in actor.dropped:
        text = drop(text, adjective)
    for adjective in actor.piece.adjectives:
        if not re.search(rf"\b{re.escape(adjective)}\b", text, re.IGNORECASE):
            text = describe_noun(text, noun, adjective)
    return text


def _recolor_shape(text: str, color: str) -> str:
    """The clauses that speak of shape, and the new colour."""
    clauses = (clause.strip() for clause in re.split(r"[;,]", text))
    shapes = [
        clause
        for clause in clauses
        if clause and not any(word.rstrip("s") in _COLORS for word in clause.lower().split())
    ]
    return ", ".join([*shapes, color])


def _restate_relationship(
    entry: dict[str, Any], actor: Actor, thing: Thing, stage: Stage, pairs: list[tuple[Actor, Thing]]
) -> None:
    others = [(other, now) for other, now in pairs if other is not actor]
    named = actor.piece.relation
    anchor = next((pair for pair in others if named is not None and pair[0].piece is named[1]), None)
    told = entry.get("relationship")
    if actor.relation_told is not None:
        entry["relationship"] = actor.relation_told
    elif anchor is not None:
        seen: dict[str, Any] = {}
        finish_entry(seen, actor.piece, thing, [actor.piece, anchor[0].piece], [thing, anchor[1]])
        entry["relationship"] = seen["relationship"]
    elif told is not None and actor.before is not None:
        entry["relationship"] = _retold(told, actor.before, thing, stage, others)


def _retold(told: str, before: Thing, thing: Thing, stage: Stage, others: list[tuple[Actor, Thing]]) -> str:
    """The captions' wording anew; in somebody's own, what has become of the thing that it names."""
    rule = relationship(thing, [thing, *(now for _, now in others)])
    if told == relationship(before, stage.before.things):
        return rule
    former = [old for old in stage.before.things if old is not before]
    seen = next((old for old in former if told == relationship(before, [before, old])), None)
    if seen is not None:
        kept = next((now for other, now in others if other.before is seen), None)
        return relationship(thing, [thing, kept]) if kept else rule
    for old in former:
        named = next((name for name in _names_of(old, stage) if re.search(rf"\b{re.escape(name)}\b", told)), None)
        if named is not None:
            pair = next((pair for pair in others if pair[0].before is old), None)
            return _renamed(told, named, old, *pair) if pair else rule
    return told


def _renamed(told: str, named: str, old: Thing, other: Actor, now: Thing) -> str:
    """The text with what the other is called now, where that is another word."""
    if now.concept == old.concept or (now.count == old.count and now.count != 1):
        return told
    instead = plural(named) if not other.replaced and now.count > 1 else now.concept
    return re.sub(rf"\b{re.escape(named)}\b", literally(instead), told)


def _names_of(thing: Thing, stage: Stage) -> list[str]:
    """What others call it: its concept, its noun, and the noun's last word."""
    actor = next((actor for actor in stage.former if actor.before is thing), None)
    word = actor.word_before if actor is not None else ""
    return [name for name in (thing.concept, word, word.rsplit(" ", 1)[-1]) if name]


def _add_details(entry: dict[str, Any], actor: Actor) -> None:
    for name in DETAILS:
        for text in actor.piece.details.get(name, []):
            known = entry.get(name)
            if name in {"pose", "action", "expression"} or not known:
                entry[name] = text
            elif text not in known:
                entry[name] = f"{known}, {text}"


def _get(values: dict[str, Any], path: Path) -> Any:
    for name in path:
        values = values.get(name) if isinstance(values, dict) else None  # type: ignore[assignment]
    return values


def _put(values: dict[str, Any], path: Path, text: Any) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    if text is None:
        values.pop(path[-1], None)
    else:
        values[path[-1]] = text
