"""Text cut into words, each as every base form that it may stand for, however it was disguised.

    words("N.u.d.e  wo-men, sh00ting")    # [{nude}, {woman, women, ...}, BREAK, {shooting, shoot, ...}]

Seen through: capitals, accents, letters from other alphabets and other planes of Unicode, invisible characters, letters
spelled apart, hyphens within a word, digits and signs for letters, letters repeated.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

Forms = frozenset[str]

# Between clauses: no phrase goes on beyond it.
BREAK: Forms = frozenset()

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]"
)
_APART = re.compile(r"(?<![^\W_])(?:[^\W_][\s.\-*_/|,]{1,3}){2,}[^\W_](?![^\W_])")
_PART = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_BEGIN = re.compile(r"[(\[\"“]")
_END = re.compile(r"[.,;:!?()\[\]\"“”]+$")
_CLAUSES = str.maketrans({",": ", ", ";": "; ", ":": ": ", "。": ". ", "、": ", "})
# Only these join what belongs together.
_JOINED = re.compile(r"[\w\-.*'’@$!|€]+")
_REPEATED = re.compile(r"(.)\1{2,}")
_MASKS = str.maketrans("013457@$!|€", "oieastasiie")
_OTHER_MASKS = _MASKS | str.maketrans("1!|", "lll")
# Letters of the Cyrillic and Greek alphabets that look like Latin ones, after case folding.
_LOOKALIKES = str.maketrans("аеорсухкмтвіјѕԁɡнαοενικρτυχ", "aeopcyxkmtbijsdghaoevikptux")
_LONGEST_KEPT = 40  # letters; what is longer is no word, and would only fill the memory
_VOWELS = "aeiou"
_SYMBOLS = {"🖕": " middle finger ", "卐": " swastika ", "ϟϟ": " ss rune "}
_IRREGULAR = {
    "bled": "bleed", "hung": "hang", "slain": "slay", "slew": "slay", "beaten": "beat", "women": "woman", "men": "man",
    "children": "child", "people": "person", "wore": "wear", "worn": "wear", "shown": "show", "gave": "give",
    "given": "give", "stuck": "stick", "took": "take", "taken": "take", "held": "hold", "made": "make", "had": "have",
    "has": "have", "was": "be", "were": "be", "is": "be", "are": "be", "being": "be", "been": "be", "ate": "eat",
    "eaten": "eat", "cutting": "cut",
}  # fmt: skip


def words(text: str, *, accented: frozenset[str] = frozenset()) -> list[Forms]:
    """The words of ``text`` in their order, with BREAK between clauses. ``accented`` words are innocent as written.

    Takes time in proportion to the length.
    """
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    for symbol, meaning in _SYMBOLS.items():
        text = text.replace(symbol, meaning)
    text = _APART.sub(_together, text).translate(_CLAUSES)
    found: list[Forms] = []
    for line in text.splitlines():
        for cluster in line.split():
            cut = _cut if len(cluster) <= _LONGEST_KEPT else _cut.__wrapped__
            found.extend(cut(cluster, cluster.strip(".,;:!?") in accented))
        found.append(BREAK)
    return found


def _together(apart: re.Match[str]) -> str:
    """``n u d e`` as one word; ``a n u d e`` as an article and a word, too."""
    word = re.sub(r"[\W_]", "", apart[0])
    return f"{word[0]} {word[1:]} {word}" if apart[0][1].isspace() and word[0] in "ai" else word


@lru_cache(maxsize=16384)
def _cut(cluster: str, innocent: bool) -> tuple[Forms, ...]:
    """What stands between two spaces: its parts, of which the first may also be all of it."""
    if innocent:
        return (frozenset((cluster,)),)
    ended = _END.search(cluster)
    cluster = "".join(c for c in unicodedata.normalize("NFD", cluster) if not unicodedata.combining(c))
    parts = [base_forms(_latin(part)) for part in _PART.findall(cluster)]
    if parts and (whole := _whole(_END.sub("", cluster))):
        parts[0] = parts[0].union(*(base_forms(word) for word in whole))
    before = (BREAK,) if _BEGIN.match(cluster) else ()
    after = (BREAK,) if ended or not parts else ()
    return (*before, *parts, *after)


def _whole(cluster: str) -> set[str]:
    """The words that the letters and signs of ``cluster`` spell together, where that is not plain to see."""
    found: set[str] = set()
    plain = cluster.isascii() and cluster.isalpha() and not _REPEATED.search(cluster)
    if plain or not _JOINED.fullmatch(cluster) or sum(letter.isalpha() for letter in cluster) < 2:
        return found
    if "*" in cluster.strip("*"):
        found.add(re.sub(r"[^\w*]|_", "", cluster))
    for masks in (_MASKS, _OTHER_MASKS):
        found.add(re.sub(r"[\W_]", "", _latin(cluster.translate(masks))))
    for word in tuple(found):
        if _REPEATED.search(word):
            found |= {_REPEATED.sub(r"\1", word), _REPEATED.sub(r"\1\1", word)}
    return found - {""}


def _latin(word: str) -> str:
    """``word`` without its foreign letters, if it is a Latin word otherwise."""
    return word.translate(_LOOKALIKES) if not word.isascii() and any("a" <= letter <= "z" for letter in word) else word


def base_forms(word: str) -> Forms:
    """Every base form that an English word may be an inflection of, itself included.

    ``stabbing`` -> stabbing, stabb, stabbe, stab; ``knives`` -> knives, knive, kniv, knife. Too many is harmless: what
    is not a word is on no list.
    """
    word = word.replace("’", "'").removesuffix("'s")
    forms = {word}
    if base := _IRREGULAR.get(word):
        forms.add(base)
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        forms.add(word[:-1])
        if word.endswith("es"):
            forms.add(word[:-2])
        if word.endswith("ies"):
            forms.add(word[:-3] + "y")
        if word.endswith("ves"):
            forms |= {word[:-3] + "f", word[:-3] + "fe"}
    for ending in ("ing", "ed", "er", "ers"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 2:
            forms |= {stem, stem + "e"}
            if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in _VOWELS:
                forms.add(stem[:-1])
            if ending == "ed" and stem.endswith("i"):
                forms.add(stem[:-1] + "y")
    return frozenset(forms)
