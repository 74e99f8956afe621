"""A drawing as an ``<img>`` of the page: SVG that follows the reader's light or dark mode."""

import base64
import io
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure

INK = "#1a1a19"
"""Draw text and axes in exactly this colour: it turns pale in dark mode."""
STYLE = (
    f"<style>svg{{color:{INK};font-family:sans-serif}}"
    "@media(prefers-color-scheme:dark){svg{color:#e8e8e8}}"
    "@media print{svg{color:#000}}</style>"
)
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "samesense"}
RASTER_DPI = 160


def image_of(figure: Figure, *, alt: str, caption: str) -> str:
    """Return the drawing as a ``<figure>`` with its words, on no ground of its own."""
    buffer = io.StringIO()
    with mpl.rc_context(SETTINGS):
        figure.savefig(
            buffer, format="svg", transparent=True, dpi=RASTER_DPI, metadata={"Date": None}
        )
    svg = buffer.getvalue().replace(INK, "currentColor")
    start = svg.index("<svg")
    inside = svg.index(">", start) + 1
    data = base64.b64encode((svg[start:inside] + STYLE + svg[inside:]).encode()).decode()
    return (
        f'<figure class="plot"><img src="data:image/svg+xml;base64,{data}" '
        f'alt="{escape(alt)}"><figcaption>{escape(caption)}</figcaption></figure>'
    )
