"""Cells as a Markdown table whose source lines up too."""

from collections.abc import Sequence


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """Return the table; the first line is its head."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    told_lines = [
        "| " + " | ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([told_lines[0], rule, *told_lines[1:]])
