"""A draft to a structured prompt, in the wording that the embedded model was trained on (``nano.captions``).

What the draft leaves open gets what training showed most: one thing large in the center, two of medium size left
and right, plain white behind. What the captions have no words for keeps the person's own.
"""

from __future__ import annotations

import re
from typing import Any

from sartor.bridge.english.arrangement import arrange
from sartor.bridge.english.draft import DETAILS, Draft, Piece
from sartor.bridge.english.wording import BLURRED, background_of, read_background, summarize
from sartor.nano.captions import Background, Scene, Thing, describe, describe_thing, relationship
from sartor.nano.vocabulary import NUMBERS
from sartor.vgl import StructuredPrompt, VisualSchema, merge, parse

# Relations that the captions tell from the two places alone.
_SEEN = frozenset({"left of", "right of", "above", "below", "next to"})


def default_size(count: int, things: int, *, centered: bool = True) -> str:
    """The size that training gave to such a thing: ``count`` copies of it among ``things`` kinds."""
    if things == 1 and count == 1:
        return "large" if centered else "medium"
    return "medium" if things * count == 2 else "small"


def realise(draft: Draft, schema: VisualSchema | None) -> StructuredPrompt:
    """The finished prompt in the schema's look. Adds the draft's notes about what had to give way."""
    background, setting = _background(draft, schema)
    things = place_things(draft.pieces)
    scene = Scene(things, draft.style, background, draft.light or "even", draft.shadow or "none")
    words = [piece.phrase for piece in draft.pieces]
    prompt = describe(scene, words) if things else _empty(scene)
    prompt["short_description"] = summarize(scene, words, setting)
    if setting is not None:
        prompt["background_setting"] = setting
        del prompt["aesthetics"]["color_scheme"]
    elif any(not piece.colors for piece in draft.pieces):
        prompt["aesthetics"].pop("color_scheme", None)  # nobody said what colour those things have
    for piece, thing, entry in zip(draft.pieces, things, prompt.get("objects", []), strict=True):
        finish_entry(entry, piece, thing, draft.pieces, things)
    _whole(draft, prompt)
    note_unknown(draft)
    own = parse(prompt)
    merged = merge(schema, own)
    if schema is not None:
        _note_overruled(draft, own, merged)
    return merged


def place_things(pieces: list[Piece]) -> list[Thing]:
    """Every piece with its place and size decided."""
    places = arrange(pieces)
    return [
        piece.thing(place, piece.size or default_size(piece.count, len(pieces), centered=place == "center"))
        for piece, place in zip(pieces, places, strict=True)
    ]


def finish_entry(entry: dict[str, Any], piece: Piece, thing: Thing, pieces: list[Piece], things: list[Thing]) -> None:
    """What the captions do not say about a thing: its relation to the thing that was named, details, where it faces."""
    if piece.relation is not None and any(piece.relation[1] is other for other in pieces):
        how, anchor = piece.relation
        other = things[next(index for index, candidate in enumerate(pieces) if candidate is anchor)]
        entry["relationship"] = relationship(thing, [thing, other]) if how in _SEEN else f"{how} the {other.concept}"
    entry["orientation"] = orientation_of(piece, thing)
    for name in DETAILS:
        if piece.details.get(name):
            entry[name] = ", ".join(piece.details[name])


def orientation_of(piece: Piece, thing: Thing) -> str:
    """The captions' orientation, and the side that the piece faces where the captions leave that open."""
    told: str = describe_thing(thing, [thing])["orientation"]
    if not piece.facing or thing.facing:
        return told
    return piece.facing if told == "upright" else f"{told}, {piece.facing}"


def _background(draft: Draft, schema: VisualSchema | None) -> tuple[Background, str | None]:
    if draft.ground is not None:
        return background_of(draft.ground, blurred=bool(draft.blurred))
    background, setting = read_background(schema.background_setting if schema else None)
    background.blurred = bool(draft.blurred)
    return background, setting


def _empty(scene: Scene) -> dict[str, Any]:
    """A background with nothing in front."""
    prompt = describe(Scene([Thing("nothing")], scene.style, scene.background, scene.light, scene.shadow))
    del prompt["objects"], prompt["aesthetics"]["composition"]
    return prompt


def _whole(draft: Draft, prompt: dict[str, Any]) -> None:
    if draft.free_light is not None:
        prompt["lighting"]["conditions"] = draft.free_light
        draft.note(f'light in your words, unknown to the embedded model: "{draft.free_light}"')
    if draft.mood is not None:
        prompt["aesthetics"]["mood_atmosphere"] = draft.mood
    if draft.blurred is not None:
        prompt["photographic_characteristics"]["depth_of_field"] = BLURRED[draft.blurred]
    for (section, name), text in draft.camera.items():
        prompt[section][name] = text
    if draft.medium is not None:
        prompt["style_medium"] = draft.medium
        draft.note(f'style in words, unknown to the embedded model: "{draft.medium}"')
    if draft.manner is not None:
        prompt["artistic_style"] = draft.manner
        draft.note(f'manner in your words, unknown to the embedded model: "{draft.manner}"')
    if draft.texts:
        prompt["text_render"] = [{"text": text, "location": "center"} for text in draft.texts]
        draft.note("rendered text is beyond the embedded model")
    if draft.loose:
        prompt["context"] = ", ".join(dict.fromkeys(draft.loose))
        draft.note(f'not placed, kept in "context": {prompt["context"]}')


def note_unknown(draft: Draft) -> None:
    """Notes on every word that the embedded model was not trained on, with the field that it went to."""
    if draft.ground is not None and draft.ground.kind == "free":
        draft.note(f'background in your words, unknown to the embedded model: "{draft.ground.text}"')
    for index, piece in enumerate(draft.pieces):
        at = f"objects[{index}]"
        if piece.concept is None:
            draft.note(f'unknown thing, described in your words in {at}.description: "{piece.phrase}"')
        elif piece.adjectives or not re.fullmatch("|".join([piece.concept.name, *piece.concept.synonyms]), piece.noun):
            draft.note(f'words beyond the vocabulary in {at}.description: "{piece.phrase}"')
        elif piece.count > 1 and piece.noun != piece.concept.name:
            draft.note(f'several of "{piece.noun}" are called {piece.cluster} in {at}.description')
        for name, texts in piece.details.items():
            draft.note(f'in your words in {at}.{name}: "{", ".join(texts)}"')
        for color, shown in zip(piece.colors, piece.named_colors(), strict=False):
            if color != shown:
                draft.note(f'"{color}" is {shown} here, in {at}.shape_and_color')
        if piece.count >= len(NUMBERS):
            draft.note(
                f"more than {len(NUMBERS) - 1} of one kind are beyond the embedded model, in {at}.number_of_objects"
            )


def _note_overruled(draft: Draft, own: StructuredPrompt, merged: StructuredPrompt) -> None:
    """The brand's look stands against words that named another."""
    asked = {
        "style_medium": bool(draft.style or draft.medium),
        "artistic_style": bool(draft.manner),
        "lighting.conditions": bool(draft.light or draft.free_light),
        "lighting.shadows": draft.shadow is not None,
        "aesthetics.mood_atmosphere": draft.mood is not None,
        "photographic_characteristics.depth_of_field": draft.blurred is not None,
    }
    for path, named in asked.items():
        before, after = _at(own, path), _at(merged, path)
        if named and before != after:
            draft.note(f'the visual schema decides {path}: "{after}", not "{before}"')


def _at(vgl: StructuredPrompt, path: str) -> Any:
    value: Any = vgl
    for name in path.split("."):
        value = getattr(value, name, None)
    return value
