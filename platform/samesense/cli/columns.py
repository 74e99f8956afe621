"""Rows of words as columns that line up."""

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int]) -> str:
    """Return rows of cells as aligned columns; those of ``right`` end on one line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
