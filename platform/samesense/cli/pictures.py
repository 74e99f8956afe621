"""Pictures named on the command line, to be read or to be written."""

from pathlib import Path

from PIL import Image

from samesense.core.errors import ConfigError, CorpusError
from samesense.core.storage import write_atomically
from samesense.corpus.decode import DecodeLimits, Rejected, decode
from samesense.corpus.reading import read_bytes


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


def picture_format(path: Path) -> str:
    """Return the format in which a picture of this name is written.

    Raises:
        ConfigError: if the name ends in none that can be written.
    """
    written = {suffix: f for suffix, f in Image.registered_extensions().items() if f in Image.SAVE}
    if path.suffix.lower() not in written:
        raise ConfigError(f"{path}: is not named as a picture; choose a name such as hits.png")
    return written[path.suffix.lower()]


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture in the format of its name, whole or not at all; its folder is made.

    Raises:
        ConfigError: if the name ends in no format.
        WriteError: if it cannot be written there.
    """
    format = picture_format(path)
    write_atomically(path, write=lambda temporary: picture.save(temporary, format))
