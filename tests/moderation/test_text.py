"""Phrases: every category is found, innocent senses are not, and the plain ways around are seen through."""

import itertools
import time
from typing import Any

import pytest

from sartor.moderation import words as words_module
from sartor.moderation.base import CATEGORIES
from sartor.moderation.text import PhraseModerator, read

MODERATOR = PhraseModerator()

REFUSED = {
    "explicit": ["two people having sex", "hardcore porn scene", "erotic dancers", "a couple masturbating"],
    "non_explicit_nudity": ["a naked man on a beach", "nude women", "a topless model", "bare breasts"],
    "underwear": ["a woman in lingerie", "bras and panties", "man in boxer shorts", "a boy in briefs"],
    "violence": [
        "a man stabbing another",
        "a man trampled to death",
        "soldiers shooting civilians",
        "two guns",
        "murdered in the street",
        "terrorists",
    ],
    "disturbing": ["bloody corpses", "a severed head", "mutilated bodies", "self-harm scars"],
    "substances": ["lines of cocaine", "a man smoking cigarettes", "drug dealers", "heroin"],
    "gestures": ["a boy showing his middle finger", "flipping off the camera"],
    "gambling": ["a casino at night", "slot machines", "a poker table"],
    "hate": ["a swastika flag", "nazis marching", "ku klux klan rally"],
}
INNOCENT = [
    "grilled chicken breasts with rosemary",
    "a shooting star over a naked tree",
    "photo shoots in Middlesex",
    "children with water pistols",
    "a killer whale jumping",
    "blood oranges on a plate",
    "nude lipstick shades",
    "a great tit on a branch",
    "a hot glue gun and paper",
    "the girl shoots a basketball, shooting hoops",
    "bamboo shoots",
    "a bath bomb in pastel colors",
    "a bomber jacket on a chair",
    "a poker face emoji",
    "a red apple on a yellow background",
    "pussy willows in a vase",
    "Scunthorpe, Essex and Sussex in the rain",
    "a classic cocktail glass, assorted grapes, a bass guitar",
    "cut paper, kill two birds with one stone",
    "a horse snorting in the cold",
    "scared to death by a mouse, next to Death with his scythe",
]


@pytest.mark.parametrize(("category", "text"), [(name, text) for name, texts in REFUSED.items() for text in texts])
def test_refused(category: str, text: str) -> None:
    finding = MODERATOR.check(f"a quiet street. {text}, flat style")
    assert finding is not None
    assert finding.category == category


def test_every_category_is_covered() -> None:
    assert set(REFUSED) == set(CATEGORIES)


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent(text: str) -> None:
    assert MODERATOR.check(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "n u d e woman",
        "s.e.x",
        "n.a.k.e.d man",
        "NAKED",
        "náked",
        "nаked",  # a Cyrillic letter
        "p0rn",
        "n@ked",
        "f*cking",
        "nuuuude",
        "na-ked",
        "a n u d e woman",
        "𝓷𝓾𝓭𝓮",
        "(naked:1.4)",
        "k1ll and s1ut",
        "nak\u200bed",
        "ｎｕｄｅ",
        "na\u00adked",
    ],
)
def test_disguised(text: str) -> None:
    assert MODERATOR.check(text) is not None


def test_an_innocent_phrase_excuses_only_its_own_words() -> None:
    assert MODERATOR.check("a shooting star and a man shooting a dog") is not None
    assert MODERATOR.check("chicken breast beside bare breasts") is not None


@pytest.mark.parametrize(
    "text",
    [
        "a calm street, no blood",
        "without any nudity",
        "no weapons or blood",
        "a party without drugs",
        "not naked",
        "non-violent, no visible gore",
        "no guns, no knives",
    ],
)
def test_what_is_said_to_be_absent_is_innocent(text: str) -> None:
    assert MODERATOR.check(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "a woman without clothes",
        "wearing no bra",
        "no text, naked woman",
        "no clothes",
        "no shadows and a naked man",
        "no naked truth but a naked man",
        "not wearing any underwear",
        "no pets, or a naked man",
    ],
)
def test_absence_excuses_only_what_is_absent(text: str) -> None:
    assert MODERATOR.check(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "a nude, a tree",
        "naked, tree behind her",
        "naked (eye contact)",
        "shooting\na star",
        "a woman, bare breasts; cancer",
    ],
)
def test_phrases_end_with_their_clause(text: str) -> None:
    """Else "naked tree" would excuse the first word here."""
    found = MODERATOR.check(text)
    assert (found is None) == text.startswith("shooting")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("eine nackte frau", "non_explicit_nudity"),
        ("deux pistolets et un fusil", "violence"),
        ("裸の女性", "non_explicit_nudity"),
        ("ropa interior negra", "underwear"),
        ("голая женщина", "non_explicit_nudity"),
        ("做爱的情侣", "explicit"),
        ("una donna nuda", "non_explicit_nudity"),
        ("hakenkreuze", "hate"),
        ("een gokkast", "gambling"),
    ],
)
def test_other_languages(text: str, category: str) -> None:
    finding = MODERATOR.check(text)
    assert finding is not None
    assert finding.category == category


@pytest.mark.parametrize(
    "text",
    [
        "fromage râpé",
        "gün batımı",
        "un pistolet à eau",
        "la bitte d'amarrage",
        "vögel und möpse",
        "裸足の少年",
        "o bom menino",
        "the drinks are in the pot by the fan",
        "ci-dessous un con",
        "a cute mona lisa, regina, trio",
    ],
)
def test_innocent_in_another_language(text: str) -> None:
    assert MODERATOR.check(text) is None


LONG = {
    "ordinary": "a red apple, a blue bird and a shooting star over green grass. " * 125,
    "one word": "a" * 8000,
    "letters": "n u d " * 1333,
    "stars": "f*k " * 2000,
    "signs": "1!" * 4000,
    "phrases": "shoot the " * 800,
    "absences": "no blood or " * 660,
    "marks": ("n" + "\u0301" * 20) * 380,
    "ideographs": "裸足" * 4000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_8000_characters_of_anything_take_a_bounded_time(text: str) -> None:
    """5 ms of ordinary text, 50 ms of the worst that we could think of; the bound is for slow machines."""
    words_module._cut.cache_clear()
    started = time.thread_time()
    assert MODERATOR.check(text) is None
    assert time.thread_time() - started < 0.5


def test_an_ordinary_prompt_takes_less_than_5_ms() -> None:
    prompt = "a cosy corner, a green armchair, a sleeping cat, warm lamp light, rain on the window, flat illustration"
    times = []
    for _ in range(9):
        words_module._cut.cache_clear()
        started = time.thread_time()
        assert MODERATOR.check(prompt) is None
        times.append(time.thread_time() - started)
    assert sorted(times)[4] < 0.005


def test_what_follows_a_long_text_is_found() -> None:
    assert MODERATOR.check(LONG["ordinary"] + "a naked man") is not None


def test_the_lists_are_as_they_are_described() -> None:
    """Base forms in lower case, known classes and categories: an entry in another form would never be met."""
    lists = read("phrases.toml")
    entries = [phrase for phrases in lists["refused"].values() for phrase in phrases] + lists["innocent"]["phrases"]
    assert [entry for entry in entries if entry != entry.lower() or entry != " ".join(entry.split())] == []
    for entry in entries:
        plain = " ".join(part for part in entry.split() if part[0] not in "{*" and not part.endswith("?"))
        assert [word for word in plain.split() if not any(word in forms for forms in words_module.words(word))] == []
    for languages in (lists["foreign"], read("other_languages.toml")):
        for language, categories in languages.items():
            assert language == "left_out" or set(categories) <= set(CATEGORIES)


def test_every_phrase_that_is_refused_can_be_met() -> None:
    """With some word of each class: no innocent phrase, and no form of writing, keeps one from ever being found."""
    lists = read("phrases.toml")
    some = [{name: pick(words) for name, words in lists["classes"].items()} for pick in (min, max)]
    for entry in itertools.chain(*lists["refused"].values()):
        plain = entry.replace("?", "").replace("*", "other")
        assert any(MODERATOR.check(plain.format_map(words)) for words in some), entry


def test_every_innocent_phrase_is_of_use() -> None:
    """Each can share a word with a refused phrase: what cannot excuses nothing."""
    lists = read("phrases.toml")
    refused = [phrase for entry in itertools.chain(*lists["refused"].values()) for phrase in _phrases(entry, lists)]
    by_word: dict[str, set[tuple[Phrase, int]]] = {}
    for phrase in refused:
        for at, (members, inflected) in enumerate(phrase):
            for word in (members | inflected) - _LITTLE:
                by_word.setdefault(word, set()).add((phrase, at))

    def meet(innocent: Phrase, other: Phrase, shift: int) -> bool:
        pairs = ((word, other[at + shift]) for at, word in enumerate(innocent) if 0 <= at + shift < len(other))
        return all(b == _ANYTHING or not a[0].isdisjoint(b[1]) or not a[1].isdisjoint(b[0]) for a, b in pairs)

    def of_use(innocent: Phrase) -> bool:
        return any(
            meet(innocent, other, there - here)
            for here, (members, inflected) in enumerate(innocent)
            for word in members | inflected
            for other, there in by_word.get(word, ())
        )

    entries = lists["innocent"]["phrases"]
    assert [entry for entry in entries if not any(map(of_use, _phrases(entry, lists)))] == []
    assert len(set(entries)) == len(entries)


# A phrase as its words, each as (the words of its class, all that these may be inflections of).
Phrase = tuple[tuple[frozenset[str], frozenset[str]], ...]
_ANYTHING = (frozenset("*"), frozenset("*"))
# What is in many phrases, and refused in none by itself.
_LITTLE = {*read("phrases.toml")["classes"]["those"], "*", "of", "on", "in", "to"}


def _phrases(entry: str, lists: dict[str, Any]) -> list[Phrase]:
    """The phrases that an entry stands for, also with two neighbouring words written as one ("cream-pie")."""
    parts = [[part.removesuffix("?"), ""] if part.endswith("?") else [part] for part in entry.split()]
    found = [[part for part in chosen if part] for chosen in itertools.product(*parts)]
    found += [[*p[:at], p[at] + p[at + 1], *p[at + 2 :]] for p in found for at in range(len(p) - 1)]
    classes = {f"{{{name}}}": frozenset(words) for name, words in lists["classes"].items()}
    members = [[classes.get(part, frozenset({part})) for part in phrase] for phrase in found]
    return [
        tuple((one, frozenset().union(*(words_module.base_forms(word) for word in one))) for one in phrase)
        for phrase in members
    ]


def test_nothing_is_innocent() -> None:
    assert MODERATOR.check("") is None
