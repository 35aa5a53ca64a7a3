"""What an instruction says about a face, a gaze and a pose, and the same in texts that tell them."""

from __future__ import annotations

import re

from sartor.bridge.english import words
from sartor.bridge.english.attachment import gerund
from sartor.bridge.english.lexicon import plural
from sartor.bridge.english.patterns import literally
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.actors import Actor
from sartor.bridge.refining.recoloring import with_article
from sartor.bridge.refining.scope import Scope

# What a face does, as the expression says it.
FACES = {
    lemma: gerund(lemma)
    for lemma in sorted(
        word_set("smile frown laugh grin cry weep scowl smirk pout wink glare blush beam giggle grimace yawn")
    )
}
FEELINGS = word_set(
    "happy sad angry surprised scared afraid frightened worried serious stern calm bored tired sleepy excited "
    "confused thoughtful pensive proud shocked annoyed friendly cheerful joyful grumpy nervous confident relaxed "
    "content curious "
    "gloomy melancholic melancholy amused determined furious upset anxious disgusted embarrassed delighted peaceful "
    "neutral fierce mean shy smug suspicious hopeful lonely mad disappointed astonished terrified concerned focused "
    "happier sadder angrier calmer friendlier sleepier unhappy dreamy playful skeptical mysterious scary"
)
_GAZES = word_set("look gaze stare glance peer face turn glare point")
_VIEWERS = word_set("viewer camera lens audience spectator photographer observer reader")
_MAKING = word_set("make have let get give put add want need show be")
_APPEARING = word_set("look seem appear feel become")
# By the participle: "sits" for "sitting".
_POSES = {gerund(lemma): plural(lemma) for lemma in sorted(words.MOVES)} | {
    pose: plural(lemma) for lemma, pose in words.POSES.items() if lemma != "lay"
}
_POSE = re.compile(rf"\b(?:{'|'.join([*_POSES, *_POSES.values()])})\b", re.IGNORECASE)
_FACE = re.compile(rf"\b(?:{'|'.join([*FACES.values(), 'smiles', 'frowns', 'laughs', 'grins', 'cries'])})\b", re.I)
_FEELING = re.compile(rf"\b(?:{'|'.join(sorted(FEELINGS))})\b", re.IGNORECASE)
_GAZE = re.compile(
    r"(?:, | and |^| )(?:looking|gazing|staring|glancing|facing|peering) "
    r"(?:(?:up|down|straight|directly) )?(?:at|to|into|toward|towards|up|down|away|the|over)\b[^,.;]*"
)


def follow_bearing(scope: Scope, items: list[Item]) -> bool:
    """ "make him smile", "have her look sad", "he should look at the viewer"; False for anything else."""
    if any(item.code == "n" for item in items):
        return False
    return _given(scope, items) or _face(scope, items) or _gaze(scope, items)


def retell_bearing(text: str, actor: Actor) -> str:
    """A text about the thing with its new expression and pose in place of those that it tells."""
    expression, pose = (actor.piece.details.get(name, [""])[-1] for name in ("expression", "pose"))
    if pose in _POSES:
        text = _POSE.sub(lambda match: _form(match.group(), pose), text, count=1)
    if not expression or " " in expression:
        return text
    if expression in FACES.values() and _FACE.search(text):
        return _FACE.sub(lambda match: _form(match.group(), expression), text, count=1)
    changed = _FEELING.sub(literally(expression), text, count=1)
    return with_article(changed, expression) if changed != text else text


def _form(old: str, new: str) -> str:
    """ "stands" -> "sits" for "sitting"."""
    if old.lower().endswith("ing"):
        return new
    return _POSES.get(new) or next(plural(lemma) for lemma, said in FACES.items() if said == new)


def _given(scope: Scope, items: list[Item]) -> bool:
    """ "put a smile on his face", "his expression should be sad"."""
    groups = [item for item in items if item.code == "@"]
    if not groups or any(item.code not in "VvPTi@MAXUEp" for item in items):
        return False
    first = groups[0].value
    last = first.noun.rsplit(" ", 1)[-1]
    verb = next((item.lemma for item in items if item.code == "V"), "")
    if last == "expression" and first.definite and len(groups) == 1:
        told = [item for item in items[items.index(groups[0]) + 1 :] if item.code in "MA"]
        return bool(told) and _express(scope, _whose(scope, items), scope.spoken(told).lower())
    if last == "expression" and first.definite and len(groups) == 2 and verb in {"change", "make", "turn", "set"}:
        text = re.sub(r"^(?:an?|the) (.*) (?:expression|one|look)$", r"\1", groups[1].value.words)
        return _express(scope, _whose(scope, items), text)
    if last in {"pose", "posture"} and first.definite and (told := items[items.index(groups[0]) + 1 :]):
        return _pose(scope, items, [item for item in told if item.code not in "Tv"])
    on_face = any(group.value.noun.rsplit(" ", 1)[-1] in {"face", "lips"} for group in groups[1:])
    if last in words.EXPRESSIONS and verb in {"put", "add", "draw"} and (on_face or len(groups) == 1):
        return _express(scope, _whose(scope, items), first.words)
    return False


def _pose(scope: Scope, items: list[Item], told: list[Item]) -> bool:
    actors = _whose(scope, items)
    for actor in actors if told else []:
        actor.piece.details["pose"] = [re.sub(r"^(?:an?|the) ", "", scope.spoken(told).lower())]
    return bool(actors and told)


def _face(scope: Scope, items: list[Item]) -> bool:
    """ "make him smile", "she should be laughing", "have him look sad", "make her happy"."""
    items = _parted(items)
    who = next((index for index, item in enumerate(items) if item.code in "@i"), None)
    if who is None or any(
        item.code not in "Vva" or item.lemma not in _MAKING for item in items[:who] if item.code in "V"
    ):
        return False
    actors = [] if len(_all(scope, items, who)) > 1 else _meant(scope, items[who])
    if not actors:
        actors = [actor for item in _all(scope, items, who) for actor in _meant(scope, item)]
        who = items.index(_all(scope, items, who)[-1])
    rest = [item for item in items[who + 1 :] if item.code not in "va" and item.text.lower() not in {"be", "all"}]
    if not actors or not rest:
        return False
    if rest[0].code in "VN" and rest[0].lemma in FACES and _at_nobody(rest[1:]):
        told = rest[1:]
        text = " ".join([FACES[rest[0].lemma], scope.spoken(told).lower()]) if told else FACES[rest[0].lemma]
        return _express(scope, actors, text)
    looks = (rest[0].code in "Vp" and rest[0].lemma in _APPEARING) or rest[0].text.lower() == "look"
    told = rest[1:] if looks else rest
    if not told or any(item.code not in "MAUX" for item in told) or told[0].text.lower() not in FEELINGS:
        return False
    person = items[who].code == "i" and items[who].text.lower() in {"him", "her", "he", "she", "them", "they"}
    if items[who].text.lower() == "it" and not actors[0].animate:
        return False
    if scope.is_less(told[0]):
        return False
    known = all(actor.entry is not None and "expression" in actor.entry for actor in actors)
    if not (looks or known or (person and all(actor.animate for actor in actors))):
        return False
    return _express(scope, actors, scope.spoken(told).lower())


def _all(scope: Scope, items: list[Item], who: int) -> list[Item]:
    """ "the dog and the rabbit": all that are named together, from ``who`` on."""
    named = [items[who]]
    rest = items[who + 1 :]
    while len(rest) > 1 and rest[0].code in "UX" and rest[1].code == "@" and scope.find(rest[1].value):
        named.append(rest[1])
        rest = rest[2:]
    return named


def _gaze(scope: Scope, items: list[Item]) -> bool:
    """ "he should look at the viewer", "turn him towards the camera", "have her look up"."""
    at = next((i for i, item in enumerate(items) if item.code in "Vp" and item.lemma in _GAZES), None)
    if at is None or any(item.code not in "Vvi@a" for item in items[:at]):
        return False
    whom = next((item for item in items if item.code in "@i" and not _is_viewer(item)), None)
    named = whom is not None and items.index(whom) < at
    lemma, told = items[at].lemma, items[at + 1 :]
    if lemma == "turn":
        if not told or told[0] is not whom or not any(_is_viewer(item) for item in told):
            return False
        told = told[1:]
    elif not named and len(scope.stage.actors) > 1 and not any(_is_viewer(item) for item in told):
        return False
    actors = _meant(scope, whom) if whom is not None and (named or lemma == "turn") else _person(scope)
    told = [item for item in told if item.code != "a"]
    if not actors or not told or not (_is_direction(told) or _is_viewer(told[-1])):
        return False
    doing = "facing" if lemma in {"turn", "face", "point"} else gerund(lemma)
    spoken = scope.spoken([items[at], *told]).lower() if lemma != "turn" else f"turn {told[-1].value.words}"
    aim = spoken.split(" ", 1)[1] if " " in spoken else "at the viewer"
    for actor in actors:
        known = (actor.entry or {}).get("action", "")
        kept = _GAZE.sub("", known).strip(" ,")
        actor.piece.details["action"] = [", ".join(filter(None, [kept, f"{doing} {aim}"]))]
        scope.last = actor
    scope.note(f'in your words in action: "{doing} {aim}"')
    return True


def _is_direction(told: list[Item]) -> bool:
    """ "at the boat", "up", "away"."""
    if told[0].code == "l" and len(told) > 1:
        return _is_direction(told[1:])
    if told[0].code == "B":
        return len(told) == 1 and told[0].text.lower().startswith(("at ", "into ", "to ", "toward"))
    if told[0].code == "l" or told[0].text.lower() in {"away", "up", "down"}:
        return len(told) == 1
    return told[0].code in "PT" and told[0].text.lower() in {"at", "into", "to", "toward", "towards"} and len(told) <= 2


def _is_viewer(item: Item) -> bool:
    return item.code == "@" and item.value.noun in _VIEWERS


def _at_nobody(told: list[Item]) -> bool:
    """ "smile at the viewer", "smile a little": nothing that would be another wish."""
    return not told or (told[0].code in "PT" and all(item.code in "PT@i" for item in told) and len(told) == 2)


def _parted(items: list[Item]) -> list[Item]:
    """ "make her cry": two words that the grammar took for one thing's name."""
    parted: list[Item] = []
    for item in items:
        lead, _, noun = item.text.lower().partition(" ")
        if item.code == "@" and lead == "her" and noun in FACES and item.start >= 0:
            parted += [Item("i", "her", "her", start=item.start, end=item.start + 3),
                       Item("V", None, noun, noun, start=item.start + 4, end=item.end)]  # fmt: skip
        else:
            parted.append(item)
    return parted


def _meant(scope: Scope, item: Item) -> list[Actor]:
    if item.code == "i":
        return scope.pronoun(item.text.lower())
    return scope.find(item.value)


def _person(scope: Scope) -> list[Actor]:
    return scope.pronoun("he")


def _whose(scope: Scope, items: list[Item]) -> list[Actor]:
    """The thing that is named or meant by a pronoun; else the first that has a face."""
    for item in items:
        if item.code in "@i" and (found := _meant(scope, item)):
            return found
    return _person(scope)


def _express(scope: Scope, actors: list[Actor], text: str) -> bool:
    for actor in actors:
        actor.piece.details["expression"] = [text]
        scope.last = actor
    scope.note(f'in your words in expression: "{text}"')
    return bool(actors)
