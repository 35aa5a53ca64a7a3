"""Where things stand that nobody placed: the cheapest of all arrangements on the nine places."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from sartor.bridge.english.draft import Piece
from sartor.bridge.english.lexicon import PartialPlace
from sartor.nano.vocabulary import PLACES

ROWS = ("top", "center", "bottom")
COLUMNS = ("left", "center", "right")
Cell = tuple[int, int]  # row, column
CELLS: dict[str, Cell] = {
    name: (
        next((index for index, row in enumerate(ROWS) if name.startswith(row)), 1),
        next((index for index, column in enumerate(COLUMNS) if name.endswith(column)), 1),
    )
    for name in PLACES
}
NAMES: dict[Cell, str] = {cell: name for name, cell in CELLS.items()}
# The layouts that training showed most, for two and three things; the first is the likeliest.
_LAYOUTS: dict[int, tuple[tuple[str, ...], ...]] = {
    2: (
        ("center left", "center right"),
        ("top left", "bottom right"),
        ("top right", "bottom left"),
        ("top center", "bottom center"),
        ("bottom left", "center right"),
        ("top left", "center right"),
        ("center left", "top right"),
    ),
    3: (
        ("top left", "top right", "bottom center"),
        ("bottom left", "bottom right", "top center"),
        ("top left", "center right", "bottom left"),
    ),
}
# What is overhead wherever something else stands. A star may be an icon beside others.
_OVERHEAD = {"sun", "moon", "cloud", "rainbow", "lightning", "airplane", "kite", "hot air balloon", "helicopter"}
_ENOUGH = 800  # arrangements that are tried; beyond, things are placed one after the other


def full_place(place: PartialPlace, present: str = "center") -> str:
    """The place's name; an open row or column stays as in ``present``."""
    row, column = CELLS.get(present, (1, 1))
    return NAMES[
        ROWS.index(place.row) if place.row else row,
        COLUMNS.index(place.column) if place.column else column,
    ]


def arrange(pieces: Sequence[Piece]) -> list[str]:
    """A place's name for every piece, true to all that was said. One piece alone stands in the center."""
    options = [_options(piece) for piece in pieces]
    total = 1
    for option in options:
        total *= len(option)
    if total <= _ENOUGH:
        best = min(product(*options), key=lambda cells: _cost(pieces, cells))
        return [NAMES[cell] for cell in best]
    placed: list[Cell] = []
    for index, option in enumerate(options):
        placed.append(min(option, key=lambda cell: _cost(pieces[: index + 1], (*placed, cell))))
    return [NAMES[cell] for cell in placed]


def _options(piece: Piece) -> list[Cell]:
    row, column = piece.place.row, piece.place.column
    return [
        (r, c)
        for r in range(3)
        for c in range(3)
        if (row is None or r == ROWS.index(row)) and (column is None or c == COLUMNS.index(column))
    ]


def _cost(pieces: Sequence[Piece], cells: tuple[Cell, ...]) -> float:
    cost = 0.0
    for index, (piece, (row, column)) in enumerate(zip(pieces, cells, strict=True)):
        # A place left open is the middle, a little; that decides "on the left" and a thing alone.
        cost += 0.4 * (abs(row - 1) + abs(column - 1)) if len(pieces) == 1 else 0.1 * abs(row - 1)
        for other, (other_row, other_column) in zip(pieces[:index], cells[:index], strict=True):
            if abs(row - other_row) <= 1 and abs(column - other_column) <= 1:
                cost += _crowding(row - other_row, column - other_column, related=_related(piece, other))
            if (other_column, other_row) > (column, row):
                cost += 0.2  # read from left to right, from top to bottom
        if piece.relation and any(piece.relation[1] is other for other in pieces):
            anchor = next(i for i, other in enumerate(pieces) if other is piece.relation[1])
            cost += _strain(piece.relation[0], (row, column), cells[anchor])
    overhead = [piece.head in _OVERHEAD for piece in pieces]
    if not all(overhead):
        cost += sum(8.0 * row for above, (row, _) in zip(overhead, cells, strict=True) if above)
    layouts = _LAYOUTS.get(len(cells), ())
    names = {NAMES[cell] for cell in cells}
    for index, layout in enumerate(layouts):
        if names == set(layout):
            return cost + 0.1 * index
    return cost + (1.5 if layouts else 0.0)


def _crowding(rows: int, columns: int, *, related: bool) -> float:
    """Neighbours, at most one row and column apart, overlap, those across a corner less; what belongs together may."""
    if rows == columns == 0:
        return 100.0
    return 3.0 if related else 12.0 if 0 in (rows, columns) else 10.0


def _related(a: Piece, b: Piece) -> bool:
    return (a.relation is not None and a.relation[1] is b) or (b.relation is not None and b.relation[1] is a)


def _strain(relation: str, cell: Cell, anchor: Cell) -> float:
    """How badly the two cells show the relation; 0 is well."""
    rows, columns = cell[0] - anchor[0], cell[1] - anchor[1]
    along, across = {
        "left of": (-columns, abs(rows)),
        "right of": (columns, abs(rows)),
        "above": (-rows, abs(columns)),
        "below": (rows, abs(columns)),
    }.get(relation, (1, abs(rows)))
    return (0.0 if along > 0 else 50.0) + 3.0 * across
