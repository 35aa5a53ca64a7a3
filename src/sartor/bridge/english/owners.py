"""What belongs to somebody and is one thing with its owner, and what a prompt is headed by."""

from __future__ import annotations

from dataclasses import replace

from sartor.bridge.english import words
from sartor.bridge.english.people import PEOPLE
from sartor.bridge.english.tagging import Item, words_of


def whose(items: list[Item]) -> list[Item] | None:
    """ "a lion's head", "Santa's sleigh": one thing, drawn as its owner where it is a part of it."""
    owner, own = items[0].value, items[-1].value
    if items[1].text.lower() not in {"'s", "'"} or own.definite or own.words != own.text:
        return None
    part = own.concept is None and own.noun in words.BODY | words.HEADS
    noun, text = f"{owner.noun}'s {own.noun}", words_of(items).lower().replace(" 's", "'s")
    merged = replace(owner, noun=noun, concept=owner.concept if part else own.concept, plural=own.plural,
                     colors=own.colors or owner.colors, adjectives=(*owner.adjectives, *own.adjectives),
                     text=text, words=text)  # fmt: skip
    return [Item("@", merged, text)]


def heading(items: list[Item]) -> list[Item] | None:
    """ "back to school: a backpack and pencils": what the picture is for."""
    named = [item for item in items if item.code in "NS"]
    if items[-1].text != ":" or not named or named[-1].lemma in PEOPLE:
        return None
    return [Item("w", None, words_of(items[:-1]))]
