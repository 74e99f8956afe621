"""Near-duplicates are found, drawings that merely resemble each other are not."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from samesense.core.errors import CorpusError
from samesense.core.hashing import hash_bytes
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.leaks import Leak, find_leaks, write_leaks
from samesense.corpus.manifest import Manifest
from samesense.corpus.near_duplicates import Looks, look, near_duplicates
from samesense.corpus.rendered.write import DOMAINS, render_image


def drawn(number: int, *, domain: str = "photo", concept: str = "star") -> Image.Image:
    return render_image(domain, concept=concept, number=number, side_px=160, seed=0)


def pairs(first: list[Image.Image], others: list[Image.Image]) -> list[list[int]]:
    sides = [Looks.of(look(picture) for picture in side) for side in (first, others)]
    return near_duplicates(*sides).tolist()


def as_jpeg(picture: Image.Image, *, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_same_picture_is_known_again(domain: str) -> None:
    pictures = [drawn(number, domain=domain) for number in range(8)]
    changed = [
        as_jpeg(pictures[0], quality=40),
        pictures[1].resize((97, 97)),
        ImageEnhance.Brightness(pictures[2]).enhance(1.02),
        pictures[3].crop((1, 1, 159, 159)),
    ]
    assert [[row, row] for row in range(4)] == [
        pair for pair in pairs(pictures, changed) if pair[0] == pair[1]
    ]


@pytest.mark.parametrize("domain", DOMAINS)
def test_other_pictures_of_the_same_concept_are_not(domain: str) -> None:
    first = [drawn(number, domain=domain) for number in range(12)]
    others = [drawn(number, domain=domain) for number in range(100, 112)]
    assert pairs(first, others) == []


def test_all_pairs_are_found_that_comparing_each_with_each_finds() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**63, 300, dtype=np.uint64)
    flips = np.array([[1 << int(bit) for bit in rng.integers(0, 64, 6)] for _ in hashes], np.uint64)
    changed = hashes ^ np.bitwise_xor.reduce(flips, axis=1)
    copies = np.zeros((300, 256), np.uint8)
    found = near_duplicates(Looks(hashes, copies), Looks(changed, copies))
    assert found.tolist() == [[row, row] for row in range(300)]


def split(place: Path, *, leaked: bool) -> Manifest:
    rows = []
    for number in range(6):
        path = place / f"{number}.png"
        picture = drawn(0 if leaked and number == 5 else number)
        picture.resize((120, 120)).save(path) if number == 5 else picture.save(path)
        content = hash_bytes(path.read_bytes())
        part = "train" if number < 3 else "query"
        rows.append(
            {"uri": str(path), "domain": "d", "label": "star", "content_hash": content}
            | {"split": part}
        )
    return Manifest.from_rows(rows)


def test_a_planted_leak_is_told_and_a_clean_split_has_none(tmp_path: Path) -> None:
    assert find_leaks(split(tmp_path, leaked=False), limits=DecodeLimits()) == []
    (leak,) = find_leaks(split(tmp_path, leaked=True), limits=DecodeLimits())
    assert leak == Leak(str(tmp_path / "0.png"), str(tmp_path / "5.png"), "near-duplicate")
    write_leaks(tmp_path / "leaks.csv", [leak])
    assert (tmp_path / "leaks.csv").read_text().splitlines()[0] == "kind,learned,asked"


def test_the_same_bytes_are_told_as_such(tmp_path: Path) -> None:
    rows = split(tmp_path, leaked=False).table.to_pylist()
    rows[4] |= {name: rows[0][name] for name in ("uri", "content_hash")}
    (leak,) = find_leaks(Manifest.from_rows(rows), limits=DecodeLimits())
    assert leak.kind == "same bytes"


def test_what_cannot_be_compared_is_told(tmp_path: Path) -> None:
    manifest = split(tmp_path, leaked=False)
    with pytest.raises(CorpusError, match="0 to ask"):
        find_leaks(manifest.of(splits=("train",)), limits=DecodeLimits())
    (tmp_path / "4.png").write_bytes(b"no picture")
    with pytest.raises(CorpusError, match=r"4\.png: not_an_image"):
        find_leaks(manifest, limits=DecodeLimits())
    (tmp_path / "4.png").unlink()
    with pytest.raises(CorpusError, match="scan the corpus again"):
        find_leaks(manifest, limits=DecodeLimits())
