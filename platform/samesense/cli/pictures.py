"""Pictures named on the command line or found in an index."""

from pathlib import Path

from PIL import Image

from samesense.core.errors import CorpusError
from samesense.core.storage import read_bytes
from samesense.corpus.decode import DecodeLimits, Rejected, decode


def load_picture(uri: Path | str) -> Image.Image:
    """Return an image as RGB.

    Raises:
        CorpusError: if it cannot be read or decoded, with the reason.
    """
    try:
        picture = decode(read_bytes(str(uri)), limits=DecodeLimits())
    except OSError as error:
        raise CorpusError(f"{uri}: cannot be read: {error.strerror or error}") from None
    if isinstance(picture, Rejected):
        raise CorpusError(f"{uri}: {picture.reason}: {picture.detail}")
    return picture
