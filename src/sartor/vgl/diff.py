"""What differs between two structured prompts, field by field, and a prompt with such changes applied."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sartor.vgl.schema import Path, StructuredPrompt, format_path, parse, plain

# The lists whose entries are matched with each other; any other list is one value.
_MATCHED = ("objects", "text_render")
_STEP = re.compile(r'\.?([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]+)\]|\[("(?:[^"\\]|\\.)*")\]')


@dataclass(frozen=True)
class Change:
    """One field that differs: JSON values, None where the field is absent.

    ``path`` reads "lighting.conditions" or "objects[1].location". The index of an object counts in the first prompt,
    except for an added object ("objects[2]", before None), which stands at that index of the second prompt.
    """

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_text(self.before)} -> {_text(self.after)}"


def diff(a: StructuredPrompt, b: StructuredPrompt) -> list[Change]:
    """The changes that lead from ``a`` to ``b``, the fields of ``a`` first; none if they say the same.

    Objects (and rendered texts) are matched in order so that the fewest fields differ: removing the first of three
    is one change, not three. ``apply(a, diff(a, b))`` equals ``b``.
    """
    return _changes(plain(a), plain(b), ())


def apply(vgl: StructuredPrompt, changes: Sequence[Change]) -> StructuredPrompt:
    """The prompt with changes made by :func:`diff` applied. Raises LookupError where one does not fit."""
    values = plain(vgl)
    removed: list[tuple[str, int]] = []
    added: list[tuple[str, int, Any]] = []
    for change in changes:
        match _read(change.path):
            case (str(name), int(index)) if name in _MATCHED and change.before is None:
                added.append((name, index, change.after))
            case (str(name), int(index)) if name in _MATCHED and change.after is None:
                removed.append((name, index))
            case path:
                _set(values, path, change.after)
    for name, index in sorted(removed, reverse=True):
        del values[name][index]
    for name, index, entry in sorted(added, key=lambda item: item[:2]):
        values.setdefault(name, []).insert(index, copy.deepcopy(entry))
    return parse(values)


def _changes(a: dict[str, Any], b: dict[str, Any], path: Path) -> list[Change]:
    changes: list[Change] = []
    for name in [*a, *(name for name in b if name not in a)]:
        before, after, here = a.get(name), b.get(name), (*path, name)
        if isinstance(before, dict) and isinstance(after, dict):
            changes += _changes(before, after, here)
        elif not path and name in _MATCHED:
            changes += _list_changes(before or [], after or [], here)
        elif _text(before) != _text(after):
            changes.append(Change(format_path(here), before, after))
    return changes


def _list_changes(a: list[Any], b: list[Any], path: Path) -> list[Change]:
    changes: list[Change] = []
    for i, j in _matching(a, b):
        if i is None:
            changes.append(Change(format_path((*path, j or 0)), None, b[j or 0]))
        elif j is None:
            changes.append(Change(format_path((*path, i)), a[i], None))
        else:
            changes += _changes(a[i], b[j], (*path, i))
    return changes


def _matching(a: list[Any], b: list[Any]) -> list[tuple[int | None, int | None]]:
    """Pairs in order, the cheapest by dynamic programming: a pair costs the share of fields that differ (0 to 1),
    an entry without partner one half, so a pair that shares anything beats a removal with an addition."""
    costs = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a), -1, -1):
        for j in range(len(b), -1, -1):
            choices = []
            if i < len(a) and j < len(b):
                choices.append(_distance(a[i], b[j]) + costs[i + 1][j + 1])
            if i < len(a):
                choices.append(0.5 + costs[i + 1][j])
            if j < len(b):
                choices.append(0.5 + costs[i][j + 1])
            costs[i][j] = min(choices, default=0.0)
    pairs: list[tuple[int | None, int | None]] = []
    i = j = 0
    while i < len(a) or j < len(b):
        if i < len(a) and j < len(b) and costs[i][j] == _distance(a[i], b[j]) + costs[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif i < len(a) and costs[i][j] == 0.5 + costs[i + 1][j]:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return pairs


def _distance(a: dict[str, Any], b: dict[str, Any]) -> float:
    names = a.keys() | b.keys()
    return sum(_text(a.get(name)) != _text(b.get(name)) for name in names) / max(1, len(names))


def _text(value: Any) -> str:
    """JSON text: tells 1 from 1.0 and true, which Python calls equal."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _read(path: str) -> Path:
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise KeyError(path)
        name, index, quoted = match.groups()
        steps.append(name if name is not None else int(index) if index is not None else json.loads(quoted))
        position = match.end()
    return tuple(steps)


def _set(values: Any, path: Path, value: Any) -> None:
    for step in path[:-1]:
        values = values.setdefault(step, {}) if isinstance(values, dict) and isinstance(step, str) else values[step]
    if value is None:
        del values[path[-1]]
    else:
        values[path[-1]] = copy.deepcopy(value)
