"""What a prompt says of the brand: "in our brand colors". Its visual schema tells that."""

from __future__ import annotations

from sartor.bridge.english.tagging import Item, words_of
from sartor.bridge.english.words import word_set

NO_BRAND = "what belongs to the brand is told by its visual schema, and not by a prompt"
_BRANDS = word_set("brand company corporate house")
_OWN = word_set("our my your")
_BELONGINGS = word_set("color colour palette style look guideline identity font scheme design")


def branded(items: list[Item]) -> list[Item] | None:
    """ "in our brand colors", "our palette": nothing that a prompt tells."""
    named = [item for item in items if item.code in "ANKp"]
    own = any(item.code == "D" and item.text.lower() in _OWN for item in items)
    branded = len(named) > 1 and named[0].text.lower() in _BRANDS
    if named[-1].lemma not in _BELONGINGS or not (branded or (own and len(named) == 1)):
        return None
    return [Item("w", f'{NO_BRAND}: "{words_of(items).lower()}"', words_of(items))]
