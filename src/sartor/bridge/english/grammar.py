"""A cascade of small rules over tagged items: noun groups, backgrounds, places, light, style, mood.

Every item carries one letter, so a rule is a regular expression over a string of letters; what it matches is replaced
by what its builder makes of it. After the cascade these letters are left:

    @ noun group      B background    G "background" itself   L place        l direction      R relation
    C colour          Z size          z size step             O orientation  F facing         Q count
    I light           H shadow        Y style                 M mood or adjective             A adjective
    b blur            c camera        q quoted text           w loose words  n negation       i pronoun
    V verb            v auxiliary     P preposition           T to           W with
    U and             X comma         E end           p "the picture"  y unit (an instruction's)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from sartor.bridge.english import words
from sartor.bridge.english.brands import branded
from sartor.bridge.english.compounds import filled_with, group_of, made_of, pattern_of
from sartor.bridge.english.inflection import comparative, participle, verbal
from sartor.bridge.english.lexicon import Named, PartialPlace
from sartor.bridge.english.owners import heading, whose
from sartor.bridge.english.references import DEFINITE, ONE_OF, REFERENCES
from sartor.bridge.english.tagging import Item, is_plural, words_of
from sartor.nano.captions import PAIRS
from sartor.nano.concepts import Concept
from sartor.nano.vocabulary import ONE_COLOR_STYLES

Items = list[Item]
Builder = Callable[[Items], Items | None]


@dataclass(frozen=True)
class Group:
    """A noun with what stands before it. ``colors`` are as written, ``concept`` is None for a thing that is not known.

    ``further``: "another"; ``single``: "one of the";
    ``bare``: nothing but the noun; ``text`` is without the article, ``words`` with it.
    """

    noun: str
    concept: Concept | None = None
    adjectives: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    count: int | None = None
    plural: bool = False
    size: str | None = None
    orientation: str | None = None
    place: PartialPlace | None = None
    definite: bool = False
    further: bool = False
    single: bool = False
    bare: bool = False
    text: str = ""
    words: str = ""
    named: str = ""
    """``text`` with names as they are written."""

    @property
    def head(self) -> str:
        """What the thing is called when others refer to it."""
        return self.concept.name if self.concept else self.noun.rsplit(" ", 1)[-1]


@dataclass(frozen=True)
class Ground:
    """A background: a kind as in ``nano.captions.Background`` with colours as written, or free words."""

    kind: str
    colors: tuple[str, ...] = ()
    text: str = ""


NO_TRANSPARENCY = "pictures have no transparency: the background is plain"


def plain_ground(word: str) -> Ground:
    """The plain background that the word stands for, one of ``words.PLAIN_BACKGROUNDS``."""
    return Ground("plain", (words.PLAIN_BACKGROUNDS[word],), text=word if word == "transparent" else "")


def analyse(items: Items, *, instruction: bool = False) -> Items:
    """The items with every rule applied, in order, and what says nothing left out.

    instruction: "the picture", units and comparatives ("longer") say something, too.
    """
    items = [participle(items, index) for index in range(len(items))]
    if instruction:
        items = [comparative(verbal(items, index), items, index) for index in range(len(items))]
    rules = (*REFERENCES, *_RULES) if instruction else (*_PALETTE, *_RULES, _rule(r"@[_v]@", whose))
    for pattern, build in rules:
        items = _apply(items, pattern, build)
    silent = "_jaDmkgotfSNKs" if instruction else "_jaDmkgpotfSNKsy"
    return [item for item in items if item.code not in silent]


def _apply(items: Items, pattern: re.Pattern[str], build: Builder) -> Items:
    result: Items = []
    position = 0
    codes = "".join(item.code for item in items)
    while position < len(items):
        match = pattern.match(codes, position)
        made = build(items[position : match.end()]) if match and match.end() > position else None
        if match is None or made is None:
            result.append(items[position])
            position += 1
        else:
            start, end = items[position].start, items[match.end() - 1].end
            result += [item if item.start >= 0 else replace(item, start=start, end=end) for item in made]
            position = match.end()
    return result


def _colors(items: Items) -> tuple[str, ...]:
    return tuple(item.value for item in items if item.code == "C")


def _without_lead(items: Items, *, names: bool = False) -> str:
    """The words without leading prepositions and articles, in lower case but for names."""
    start = next((i for i, item in enumerate(items) if item.code not in "PWRTDnUo"), 0)
    return _in_lower_case(items[start:]) if names else words_of(items[start:]).lower()


def _in_lower_case(items: Items) -> str:
    """The words, but for names."""
    return " ".join(item.text if item.tag.startswith("NNP") else item.text.lower() for item in items)


def _painted(items: Items) -> Items:
    """Colours before or after "background"."""
    colors = _colors(items)
    codes = {item.code for item in items}
    kind = "gradient" if len(colors) > 1 and ("g" in codes or "T" in codes) else "plain"
    return [Item("B", Ground(kind, colors), words_of(items))]


def _on_color(items: Items) -> Items | None:
    """ "on yellow", at the end of a phrase."""
    return _painted(items) if items[0].text.lower() in {"on", "against", "over", "onto"} else None


def _setting(items: Items) -> Items | None:
    place = next(item for item in items if item.code in "sS")
    first = items[0]
    if first.code in "PRT" and "G" not in {item.code for item in items[:2]} and place.code == "S":
        on_top = first.value == "above" or first.text.lower() in {"on", "at", "onto"}
        if place.value == "table" and not on_top:
            return None
        if first.code == "P" and first.text.lower() not in words.SETTING_PREPOSITIONS:
            return None
    if place.value == "sky":
        return [Item("B", Ground("plain", _colors(items)[:1] or ("sky blue",)), words_of(items))]
    return [Item("B", Ground(place.value), words_of(items))]


def _described_background(items: Items) -> Items | None:
    inner = [item for item in items if item.code not in "PWRTDGaUvV"]
    if not inner:
        return None
    known = words.PLAIN_BACKGROUNDS.get(inner[0].text.lower()) if len(inner) == 1 else None
    if known:
        return [Item("B", plain_ground(inner[0].text.lower()), words_of(items))]
    if inner[0].code == "n":
        return None
    return [Item("B", Ground("free", text=_without_lead(items)), words_of(items))]


def _light(items: Items) -> Items:
    return [Item("I", ("free", _without_lead(items)), words_of(items))]


def _light_is(items: Items) -> Items:
    """ "make the lighting warm": as "warm lighting"."""
    last = items[-1]
    if last.code == "I":
        return [last]
    phrase = f"{last.text.lower()} light"
    known = next((light for light, phrases in words.LIGHT.items() if phrase in phrases.split(", ")), None)
    return [Item("I", known or ("free", phrase), words_of(items))]


def _keep(code: str) -> Builder:
    """The one item of this code, with all the words."""

    def build(items: Items) -> Items:
        kept = next(item for item in items if item.code in code)
        return [
            Item(
                kept.code.upper() if kept.code == "y" else kept.code, kept.value, words_of(items), kept.lemma, kept.tag
            )
        ]

    return build


def _style_of(items: Items) -> Items:
    return [Item("Y", _manner(_in_lower_case(items)), words_of(items))]


def _in_style(items: Items) -> Items | None:
    """ "in a retro style": a manner in the person's words."""
    if items[-1].text.lower() not in {"style", "look", "aesthetic"}:
        return None
    return [Item("Y", _manner(_without_lead(items)), words_of(items))]


def _manner(text: str) -> str | tuple[str, str]:
    """The house style that a manner stands for ("in the style of a retro game"), or the manner in its own words."""
    for style, phrases in words.MANNERS.items():
        if any(f" {phrase} " in f" {text} " for phrase in phrases.split(", ")):
            return style
    return "manner", text


def _picture_of(items: Items) -> Items | None:
    """ "a vintage travel poster of", "kitchen icons:"."""
    if items[-1].code == "E" and items[-1].text != ":":
        return None
    named = [item for item in items if item.code in "NS"]
    if items[-1].code == "W" and any(item.text.lower() not in words.OCCASIONS for item in named):
        return None
    count = [item for item in items if item.code == "Q" and items[-1].code == "o"]  # "5 icons:" tells the things
    loose = [item for item in items if item.code in "AMNS" and item.text.lower() not in words.PLAIN_BACKGROUNDS]
    return [Item("w", None, item.text) for item in loose] + count


def _scheme(items: Items) -> Items:
    """ "..., black and white", with nothing after it, is said of the whole picture."""
    return [Item("c", (("aesthetics", "color_scheme"), words_of(items).lower()), words_of(items))]


def _colors_of_all(items: Items) -> Items | None:
    """ "red and green colors", "pastel colors", "a muted palette"."""
    if items[-1].lemma not in {"color", "colour", "hue", "palette"} or (items[-1].lemma != "palette") != (
        items[-1].tag == "NNS"
    ):
        return None
    return _scheme([item for item in items if item.code not in "PWD"])


def _mood(items: Items) -> Items:
    named = [item for item in items if item.code in "MANSs"]
    value = named[0].value if len(named) == 1 and named[0].code == "M" else words_of(named).lower()
    return [Item("M", value, words_of(items), "mood")]


def _place(items: Items) -> Items | None:
    if items[0].code == "R":
        if items[0].value not in {"left of", "right of"}:
            return None
        return [Item("L", PartialPlace(None, items[0].value.split()[0]), words_of(items))]
    row = column = None
    for item in items:
        if item.code == "L":
            row, column = row or item.value.row, column or item.value.column
    return [Item("L", PartialPlace(row, column), words_of(items))]


def _place_of(items: Items) -> Items | None:
    """ "at the top of the house" is above it."""
    place = next(item for item in items if item.code == "L").value
    relation = {
        ("top", None): "above",
        ("bottom", None): "below",
        (None, "left"): "left of",
        (None, "right"): "right of",
    }
    value = relation.get((place.row, place.column))
    return [Item("R", value, words_of(items))] if value else None


def _group(items: Items) -> Items:
    nouns = [item for item in items if item.code in "KNSst"]
    last = nouns[-1]
    named = last.value if isinstance(last.value, Named) else None
    written = [item.text.lower() for item in nouns[:-1]]
    single = any(item.text == ONE_OF for item in items)
    many = is_plural(last)
    # spaCy's lemma is the singular; a lexicon phrase knows its own.
    pair = last.text.lower().endswith(PAIRS)
    many = many and (not pair or named is not None)
    written.append(named.word if named else last.lemma if many and last.lemma else last.text.lower())
    find = {item.code: item for item in items}
    places = [item for item in items if isinstance(item.value, PartialPlace)]
    group = Group(
        noun=" ".join(written),
        concept=named.concept if named else None,
        adjectives=tuple(item.text.lower() for item in items if item.code in "AMyV" and item not in places),
        colors=_colors(items),
        count=find["Q"].value if "Q" in find and not (pair and find["Q"].text.lower() == "pair of") else None,
        plural=many and not single,
        single=single,
        size=find["Z"].value if "Z" in find else None,
        orientation=find["O"].value if "O" in find else None,
        place=places[-1].value if places else None,
        definite=any(item.code == "D" and item.text.lower() in DEFINITE for item in items),
        further=any(item.text.lower() in {"another", "more", "extra"} for item in items),
        bare=len(items) == len(nouns),
        text=_without_lead(items),
        words=words_of(items).lower(),
        named=_without_lead(items, names=True),
    )
    return [item for item in items if item.code == "Y"] + [Item("@", group, words_of(items))]


def _painted_style(items: Items) -> Items | None:
    """ "a red line icon of a car" is one of a red car, where the style has one colour and the car none of its own."""
    of = next(place for place, item in enumerate(items) if item.code == "o")
    colors = [item for item in items[:of] if item.code == "C"]
    styles = [item for item in items[:of] if item.code == "Y"]
    thing = items[of + 1 :]
    if len(colors) > 1 or _colors(thing) or not any(item.value in ONE_COLOR_STYLES for item in styles):
        return None
    lead = next((place for place, item in enumerate(thing) if item.code not in "DQa"), 0)
    return styles + _group([*thing[:lead], *colors, *thing[lead:]])


def _rule(pattern: str, build: Builder) -> tuple[re.Pattern[str], Builder]:
    return re.compile(pattern), build


_MODS = r"(?:a*[ZCAMOLyY](?:[UX](?=(?:[UX]?a*[ZCAMOLyY])+[KN]))?)*"
_PALETTE = (
    _rule(r"^[aNAMTPSU]+E(?=a*[DQ])", heading),
    _rule(r"[PW]?D?(?:a*[CAMZ][UX]?)*[CAM]N(?![KNo])", _colors_of_all),
)
_RULES = (
    _rule(r"[PWT]?D?(?:[AN]_?){0,2}[NKp](?![KNG])", branded),
    # backgrounds
    _rule(r"[PWRT]?D?[aAM]*C(?:[TUPX]{1,2}C)?[AgMp]*G", _painted),
    _rule(r"[PWRT]?D?[aAM]*(?:gG?|G)[Po]?C[TU]C", _painted),
    _rule(r"D?G(?:N|V|v|T|P|W|E|a|i|D|n(?=a)){0,3}[AM]?C(?:[TUg]+C)?g?(?![KN])", _painted),
    _rule(r"[PRU][aA]*C(?=[XE]|U(?!C)|$)", _on_color),
    _rule(r"D?G(?:o|v|T|P|E|V|i|W|R){1,3}D?[aACM]*[sS](?![KN])", _setting),
    _rule(r"[PRT]D?[aACMZ]*[sS]+[Gp]*(?![KN])", _setting),
    _rule(r"D?[aACM]*s[Gp]*(?![KN])", _setting),
    _rule(r"S[Gp]+", _setting),
    _rule(r"[PWRT]?D?[aAMNZKp]*[AMNZKp]G", _described_background),
    # style
    _rule(rf"(?<!C)(?<!CU)D?C(?:U?C)*[aA]*Y+p*o[DQa]*{_MODS}[KNSst]*[KNt]", _painted_style),
    _rule(r"f[DaAM]*[Yy]+[Np]*(?![KN])", _keep("Yy")),
    _rule(r"f[DAMNKC]*[NK]", _style_of),
    _rule(r"(?:[PT]D?|D)?a*[Yy]+p+o?", _keep("Yy")),
    _rule(r"(?:[PT]D?|D)?Y+o", _keep("Y")),
    _rule(r"[PT]D?Y(?![KNCZA])", _keep("Y")),
    _rule(r"[PT]?D?[AMNKZ]+p", _in_style),
    _rule(r"D?Q?[aAMZN]*p[oE]", _picture_of),
    _rule(r"D?[aAMZNS]*pW", _picture_of),
    _rule(r"D?[aAMZ]*p(?:W|V(?=D))", _picture_of),
    _rule(r"(?<=X)(?<!CX)CUC(?=[XE]|$)", _scheme),
    # mood, light and the like
    _rule(r"[PWT]?D?a*[MANSs](?:[UX]?[MA])*m", _mood),
    _rule(r"[PWT]?D?a*[AM]+t", _light),
    _rule(r"D?t[vaT]*[AMI]", _light_is),
    _rule(r"[PWT]?D?a*[AM]+I", _light),
    _rule(r"[PWT]?D?a*[IHbc]", _keep("IHbc")),
    # places
    _rule(r"RD?p", _place),
    _rule(r"[PT]?D?a*L+k*oD?p", _place),
    _rule(r"[PT]?D?Lo(?=D?[ZCAMKN])", _place_of),
    _rule(r"[PT]D?a*L+[kp]*", _place),
    _rule(r"D?L+[kp]+", _place),
    _rule(r"D?L+(?![KNZCAMO])", _place),
    # noun groups; what is looked ahead at is never given back, for it could only be tried again: thousands of adverbs
    # took minutes. (*+ says the same, but Python 3.11.2, which is Debian 12's, matches less with it than it should.)
    _rule(rf"(?=((?:[DQa]|(?<=Q)o)*))\1{_MODS}[KNSst]*[KNt]", _group),
    _rule(r"[DQ]*S", _group),
    _rule(r"@o@(?:X@)*X?U@", pattern_of),
    _rule(r"@o@", group_of),
    _rule(r"@oa*A?C(?![@KNCG])", filled_with),
    _rule(r"@Va*(?:P?o|P)(?:@|C(?!@))", made_of),
)
