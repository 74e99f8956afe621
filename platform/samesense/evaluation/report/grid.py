"""A ranking as one picture: the query at the left, its hits in rows, best first.

Right and wrong differ by a tick or a cross as well as by colour.
"""

from collections.abc import Sequence
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from samesense.corpus.thumbnails import square

Hit = tuple[Image.Image, str, bool | None]
"""Picture, caption, and whether it is right (``None``: not known)."""
TILE_PX, CAPTION_PX, GAP_PX, FRAME_PX, BADGE_PX, COLUMNS = 144, 38, 12, 4, 24, 5
TEXT_PX, LINE_PX = 13, 17
PAPER, INK, SOFT = "#ffffff", "#1a1a1a", "#8a8a8a"
RIGHT, WRONG, PLAIN = "#0072b2", "#d55e00", "#d0d0d0"
TICK = ((0.22, 0.52), (0.42, 0.72), (0.78, 0.3))
CROSS = (((0.28, 0.28), (0.72, 0.72)), ((0.28, 0.72), (0.72, 0.28)))


def draw_grid(query: Image.Image | str, *, hits: Sequence[Hit]) -> Image.Image:
    """Return a sheet of the query, an image or words, and its hits in rows of five."""
    rows = max(1, -(-len(hits) // COLUMNS))
    columns = 1 + min(len(hits), COLUMNS)
    across, down = TILE_PX + GAP_PX, TILE_PX + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (columns * across + 2 * GAP_PX, rows * down + GAP_PX), PAPER)
    _draw_query(sheet, query)
    for place, (picture, caption, right) in enumerate(hits):
        row, column = divmod(place, COLUMNS)
        corner = (2 * GAP_PX + (column + 1) * across, GAP_PX + row * down)
        _draw_hit(sheet, corner, picture=picture, caption=f"{place + 1}. {caption}", right=right)
    return sheet


def _draw_query(sheet: Image.Image, query: Image.Image | str) -> None:
    corner = (GAP_PX, GAP_PX)
    if isinstance(query, str):
        words = "\n".join(wrap(query, 17)[:7])
        middle = (GAP_PX + TILE_PX / 2, GAP_PX + TILE_PX / 2)
        pen = ImageDraw.Draw(sheet)
        pen.multiline_text(middle, words, fill=INK, font=_font(16), anchor="mm", align="center")
    else:
        sheet.paste(square(query, side_px=TILE_PX), corner)
    _frame(sheet, corner, INK)
    _caption(sheet, corner, "query")
    line_px = GAP_PX + TILE_PX + GAP_PX
    ImageDraw.Draw(sheet).line((line_px, GAP_PX, line_px, sheet.height - GAP_PX), fill=PLAIN)


def _draw_hit(
    sheet: Image.Image,
    corner: tuple[int, int],
    *,
    picture: Image.Image,
    caption: str,
    right: bool | None,
) -> None:
    sheet.paste(square(picture, side_px=TILE_PX), corner)
    _frame(sheet, corner, {True: RIGHT, False: WRONG, None: PLAIN}[right])
    _caption(sheet, corner, caption)
    if right is not None:
        _badge(sheet, corner, right=right)


def _frame(sheet: Image.Image, corner: tuple[int, int], colour: str) -> None:
    left, top = corner
    box = (left, top, left + TILE_PX - 1, top + TILE_PX - 1)
    ImageDraw.Draw(sheet).rectangle(box, outline=colour, width=FRAME_PX)


def _badge(sheet: Image.Image, corner: tuple[int, int], *, right: bool) -> None:
    pen = ImageDraw.Draw(sheet)
    left, top = corner[0] + TILE_PX - BADGE_PX, corner[1]
    box = (left, top, left + BADGE_PX - 1, top + BADGE_PX - 1)
    pen.rectangle(box, fill=RIGHT if right else WRONG)
    for stroke in (TICK,) if right else CROSS:
        points = [(left + x * BADGE_PX, top + y * BADGE_PX) for x, y in stroke]
        pen.line(points, fill=PAPER, width=3, joint="curve")


def _caption(sheet: Image.Image, corner: tuple[int, int], caption: str) -> None:
    """Write a caption on two lines; what does not fit ends in an ellipsis."""
    pen, font = ImageDraw.Draw(sheet), _font(TEXT_PX)
    left, top = corner[0], corner[1] + TILE_PX + 3
    words = caption.split()
    first = ""
    while words and (not first or pen.textlength(f"{first} {words[0]}", font) <= TILE_PX):
        first = f"{first} {words.pop(0)}".strip()
    for line, text in enumerate((first, " ".join(words))):
        ink = INK if line == 0 else SOFT
        pen.text((left, top + line * LINE_PX), _cut(text, pen, font), fill=ink, font=font)


def _cut(text: str, pen: ImageDraw.ImageDraw, font: "_Font") -> str:
    if pen.textlength(text, font) <= TILE_PX:
        return text
    while text and pen.textlength(text + "…", font) > TILE_PX:
        text = text[:-1]
    return text + "…"


_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _font(size_px: int) -> _Font:
    return ImageFont.load_default(size=size_px)
