"""Pictures are written where and as their name says, or the name is refused."""

from pathlib import Path

import pytest
from PIL import Image

from samesense.cli.pictures import picture_format, write_picture
from samesense.core.errors import ConfigError, WriteError

PICTURE = Image.new("RGB", (4, 3))


def test_a_picture_is_written_in_the_format_of_its_name(tmp_path: Path) -> None:
    for name, format in (("a/b/hits.png", "PNG"), ("hits.JPG", "JPEG")):
        write_picture(PICTURE, tmp_path / name)
        with Image.open(tmp_path / name) as found:
            assert (found.format, found.size) == (format, (4, 3))


@pytest.mark.parametrize("name", ["hits.xyz", "hits", "hits.csv"])
def test_a_name_of_no_picture_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="choose a name such as"):
        picture_format(Path(name))


def test_a_place_that_is_taken_is_told(tmp_path: Path) -> None:
    (tmp_path / "hits.png").mkdir()
    with pytest.raises(WriteError, match="cannot be written"):
        write_picture(PICTURE, tmp_path / "hits.png")
