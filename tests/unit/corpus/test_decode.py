import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from pydantic import ValidationError

from samesense.corpus.decode import DecodeLimits, Rejected, decode
from tests.fixtures.bad_images import Bad, Good, encoded, odd_files, two_halves

LIMITS = DecodeLimits()
FILES = odd_files()
REASONS = {
    "empty",
    "too_many_bytes",
    "not_an_image",
    "too_many_pixels",
    "too_long_side",
    "truncated",
    "corrupt",
    "unsupported_mode",
}
SEEDS = [data for name, (data, outcome) in sorted(FILES.items()) if isinstance(outcome, Good)]


def test_there_are_more_than_twenty_kinds_of_each() -> None:
    bad = [name for name, (_, outcome) in FILES.items() if isinstance(outcome, Bad)]
    assert len(bad) >= 20
    assert len(FILES) - len(bad) >= 20


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_is_decoded_rightly_or_rejected_with_its_reason(name: str) -> None:
    data, expected = FILES[name]
    got = decode(data, limits=LIMITS)
    if isinstance(expected, Bad):
        assert isinstance(got, Rejected), f"{name} was decoded"
        assert got.reason == expected.reason, got
        assert got.detail
        return
    assert isinstance(got, Image.Image), got
    assert (got.mode, got.size) == ("RGB", (expected.width_px, expected.height_px))
    pixels_HW3 = np.asarray(got).astype(int)
    for x, y, truth in ((4, 4, expected.left), (4, 28, expected.left), (44, 16, expected.right)):
        assert np.abs(pixels_HW3[y, x] - truth).max() <= expected.tolerance, (x, y)


def test_the_limits_are_inclusive() -> None:
    data = encoded(two_halves(), "PNG")
    for limits in (
        DecodeLimits(max_bytes=len(data)),
        DecodeLimits(max_pixels=48 * 32),
        DecodeLimits(max_side_px=48),
    ):
        assert isinstance(decode(data, limits=limits), Image.Image)
    for limits, reason in (
        (DecodeLimits(max_bytes=len(data) - 1), "too_many_bytes"),
        (DecodeLimits(max_pixels=48 * 32 - 1), "too_many_pixels"),
        (DecodeLimits(max_side_px=48 - 1), "too_long_side"),
    ):
        got = decode(data, limits=limits)
        assert isinstance(got, Rejected)
        assert got.reason == reason


def test_no_pixel_of_a_bomb_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(self: ImageFile.ImageFile) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", explode)
    got = decode(FILES["bomb.png"][0], limits=LIMITS)
    assert isinstance(got, Rejected)
    assert got.reason == "too_many_pixels"


def test_a_limit_that_pillow_cannot_keep_is_refused() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 178956970"):
        DecodeLimits(max_pixels=200_000_000)


def test_every_16_bit_grey_is_scaled_and_none_is_clipped() -> None:
    values = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    got = decode(encoded(Image.fromarray(values), "PNG"), limits=LIMITS)
    assert isinstance(got, Image.Image)
    expected = (values / 257).round().astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(got)[..., 0], expected)


def test_a_picture_outlives_its_bytes() -> None:
    got = decode(encoded(two_halves(), "BMP"), limits=LIMITS)
    assert isinstance(got, Image.Image)
    assert got.crop((0, 0, 2, 2)).getpixel((1, 1)) == (220, 30, 30)


def _is_an_outcome(data: bytes) -> None:
    got = decode(data, limits=DecodeLimits(max_pixels=1_000_000))
    if isinstance(got, Rejected):
        assert got.reason in REASONS
        assert got.detail
    else:
        assert got.mode == "RGB"
        assert got.width > 0
        assert got.height > 0


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_random_bytes_never_raise(data: bytes) -> None:
    _is_an_outcome(data)


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.data())
@settings(max_examples=400, deadline=None)
def test_damaged_images_never_raise(data: st.DataObject) -> None:
    image = bytearray(data.draw(st.sampled_from(SEEDS)))
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    for _ in range(rng.randrange(1, 9)):
        # Most of what decoders trip over is in the first bytes.
        image[rng.randrange(min(len(image), rng.choice((64, len(image)))))] = rng.randrange(256)
    _is_an_outcome(bytes(image[: rng.choice((len(image), rng.randrange(1, len(image) + 1)))]))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("format", ["JPEG", "WEBP", "BMP", "TIFF", "PPM"])
def test_no_part_of_an_image_passes_for_the_whole(format: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), format)
    for length in range(1, len(data), 7):
        assert isinstance(decode(data[:length], limits=LIMITS), Rejected), length


def test_pillow_is_never_told_to_accept_truncated_files() -> None:
    decode(FILES["truncated.jpg"][0], limits=LIMITS)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
