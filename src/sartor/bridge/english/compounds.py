"""Noun groups that are one thing together: "crate of apples", "pattern of lemons and leaves"."""

from __future__ import annotations

from dataclasses import replace

from sartor.bridge.english import words
from sartor.bridge.english.tagging import Item, words_of


def group_of(items: list[Item]) -> list[Item]:
    """ "crate of apples": one thing in the words as they stand, drawn as what it is made of if only that is known."""
    outer, inner = items[0].value, items[-1].value
    text = f"{outer.noun} of {inner.words}"
    concept = outer.concept or inner.concept
    words = words_of(items).lower()
    merged = replace(outer, noun=text, concept=concept, text=words, words=words)
    return [Item("@", merged, words_of(items))]


def pattern_of(items: list[Item]) -> list[Item] | None:
    """ "pattern of lemons and leaves": what shows or holds all of them."""
    outer, *inner = [item.value for item in items if item.code == "@"]
    shows = outer.noun.rsplit(" ", 1)[-1] in words.PATTERNS | words.CONTAINERS
    if not shows or not all(group.bare and group.plural for group in inner):
        return None
    told = words_of(items).lower().replace(" ,", ",")
    noun = f"{outer.noun} of {told.split(' of ', 1)[1]}"
    merged = replace(outer, noun=noun, concept=outer.concept or inner[0].concept, text=told, words=told)
    return [Item("@", merged, words_of(items))]


def filled_with(items: list[Item]) -> list[Item] | None:
    """ "cup of hot chocolate": what has a colour's name is in it, and no colour of it."""
    outer = items[0].value
    if outer.noun.rsplit(" ", 1)[-1] not in words.CONTAINERS:
        return None
    told = words_of(items[1:]).lower()
    merged = replace(outer, noun=f"{outer.noun} {told}", text=words_of(items).lower(), words=words_of(items).lower())
    return [Item("@", merged, words_of(items))]


def made_of(items: list[Item]) -> list[Item] | None:
    """ "dragon made of flowers": one thing, its matter in the words as they stand; a colour's name is both."""
    verb, matter = items[1], items[-1]
    if verb.lemma not in words.MAKING or verb.tag != "VBN":
        return None
    group = items[0].value
    told = f"{group.noun} {words_of(items[1:]).lower()}"
    colors = (*group.colors, matter.value) if matter.code == "C" else group.colors
    made = replace(group, noun=told, colors=colors, text=words_of(items).lower(), words=words_of(items).lower())
    return [Item("@", made, words_of(items))]
