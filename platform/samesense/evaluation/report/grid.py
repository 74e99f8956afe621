"""A ranking as one picture. Right and wrong differ by mark and by frame, not by colour alone."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from samesense.evaluation.report.thumbnails import square

Hit = tuple[Image.Image, str, bool | None]
"""Picture, caption, and whether it is right (``None``: not known)."""
TILE_PX, CAPTION_PX, GAP_PX, COLUMNS = 128, 30, 8, 5
INK, RIGHT, WRONG, PLAIN = "#1a1a1a", "#0072b2", "#d55e00", "#bbbbbb"


def draw_grid(query: Image.Image | str, *, hits: Sequence[Hit]) -> Image.Image:
    """Return the query and its hits, best first, in rows of five."""
    rows = 1 + -(-len(hits) // COLUMNS)
    width = COLUMNS * (TILE_PX + GAP_PX) + GAP_PX
    sheet = Image.new("RGB", (width, rows * (TILE_PX + CAPTION_PX + GAP_PX) + GAP_PX), "white")
    _paste_query(sheet, query)
    for place, (picture, caption, right) in enumerate(hits):
        row, column = divmod(place, COLUMNS)
        corner = (
            GAP_PX + column * (TILE_PX + GAP_PX),
            GAP_PX + (row + 1) * (TILE_PX + CAPTION_PX + GAP_PX),
        )
        _paste_hit(sheet, corner, picture, f"{place + 1}. {caption}", right)
    return sheet


def _paste_query(sheet: Image.Image, query: Image.Image | str) -> None:
    pen = ImageDraw.Draw(sheet)
    if isinstance(query, str):
        pen.text((GAP_PX, GAP_PX + TILE_PX // 2), f"query: {query}", fill=INK)
    else:
        sheet.paste(square(query, side_px=TILE_PX), (GAP_PX, GAP_PX))
        pen.text((GAP_PX, GAP_PX + TILE_PX + 4), "query", fill=INK)


def _paste_hit(
    sheet: Image.Image,
    corner: tuple[int, int],
    picture: Image.Image,
    caption: str,
    right: bool | None,
) -> None:
    left, top = corner
    frame = {True: RIGHT, False: WRONG, None: PLAIN}[right]
    mark = {True: " (right)", False: " (WRONG)", None: ""}[right]
    pen = ImageDraw.Draw(sheet)
    sheet.paste(square(picture, side_px=TILE_PX), corner)
    pen.rectangle((left, top, left + TILE_PX - 1, top + TILE_PX - 1), outline=frame, width=3)
    words = caption + mark
    half = len(words) if len(words) <= 22 else (words.rfind(" ", 0, 23) + 1 or 22)
    pen.text((left, top + TILE_PX + 2), words[:half], fill=INK)
    pen.text((left, top + TILE_PX + 14), words[half : half + 22], fill=INK)
