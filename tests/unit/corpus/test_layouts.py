"""Each public data set, in small: where its images are, and what its own lists say of them."""

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from samesense.core.errors import CorpusError
from samesense.corpus.laid_out import lay_out, read_parts, write_manifest
from samesense.corpus.layouts import LAYOUTS, find_layout
from samesense.corpus.listed_split import listed_split
from samesense.corpus.scan import scan

TREES: dict[str, tuple[list[str], set[tuple[str, str]]]] = {
    "domainnet": (
        ["clipart/ant/clipart_001_000001.jpg", "real/ant/real_001_000001.jpg", "clipart_train.txt"],
        {("clipart", "ant"), ("real", "ant")},
    ),
    "sketchy": (
        ["sketch/alarm_clock/n02-1.png", "extended_photo/alarm_clock/ext_1.jpg"],
        {("sketch", "alarm_clock"), ("photo", "alarm_clock")},
    ),
    "sketchy, as first published": (
        [
            "256x256/sketch/tx_000000000000/hot-air_balloon/n02-1.png",
            "256x256/sketch/tx_000100000000/hot-air_balloon/n02-1.png",
            "256x256/photo/tx_000000000000/hot-air_balloon/n02.jpg",
            "EXTEND_image_sketchy/hot-air_balloon/ext_1.jpg",
        ],
        {("sketch", "hot-air_balloon"), ("photo", "hot-air_balloon")},
    ),
    "tuberlin": (
        ["sketches/alarm clock/1.png", "images/alarm_clock/1.jpg"],
        {("sketch", "alarm_clock"), ("photo", "alarm_clock")},
    ),
    "tuberlin, as first published": (
        ["png/mouse (animal)/1.png", "ImageResized/mouse_(animal)/1.jpg", "png/filelist.txt"],
        {("sketch", "mouse_(animal)"), ("photo", "mouse_(animal)")},
    ),
    "pacs": (
        ["kfold/art_painting/dog/pic_001.jpg", "kfold/sketch/dog/1.png", "Readme.txt"],
        {("art_painting", "dog"), ("sketch", "dog")},
    ),
    "vlcs": (
        ["Caltech101/bird/1.jpg", "VOC2007/person/2.jpg"],
        {("Caltech101", "bird"), ("VOC2007", "person")},
    ),
    "vlcs, parted": (
        ["SUN/train/0/1.jpg", "SUN/crossval/3/2.jpg", "SUN/test/4/3.jpg", "SUN/full/0/1.jpg"],
        {("SUN", "bird"), ("SUN", "dog"), ("SUN", "person")},
    ),
    "officehome": (
        ["Art/Alarm_Clock/00001.jpg", "Real World/Alarm_Clock/00001.jpg", "ImageInfo.csv"],
        {("Art", "Alarm_Clock"), ("Real World", "Alarm_Clock")},
    ),
    "terraincognita": (
        ["location_38/bird/5.jpg", "location_100/empty/6.jpg"],
        {("location_38", "bird"), ("location_100", "empty")},
    ),
}


def plant(root: Path, paths: list[str]) -> Path:
    for number, path in enumerate(paths):
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.suffix in (".jpg", ".png"):
            Image.new("RGB", (8, 8), (number, 90, 30)).save(place, "PNG")
        else:
            place.write_text("no image")
    return root


@pytest.mark.parametrize("name", TREES)
def test_images_of_a_public_data_set_are_found(tmp_path: Path, name: str) -> None:
    paths, expected = TREES[name]
    root = plant(tmp_path / "data", paths)
    images = lay_out(str(root), layout=find_layout(name.partition(",")[0]))
    assert {(image.domain, image.label) for image in images} == expected
    manifest = root / "corpus.csv"
    write_manifest(images, manifest)
    found = scan(str(manifest))
    assert found.rejections == []
    columns = (found.manifest.column(column) for column in ("domain", "label"))
    assert set(zip(*columns, strict=True)) == expected
    assert all(Path(uri).is_file() for uri in found.manifest.column("uri"))


def test_every_layout_is_tried() -> None:
    assert {name.partition(",")[0] for name in TREES} == set(LAYOUTS)


def write_lists(folder: Path, **lists: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, lines in lists.items():
        (folder / f"{name}.txt").write_text(lines)
    return folder


def domainnet(root: Path) -> Path:
    files = [f"{d}/{c}/{n}.jpg" for d in ("real", "sketch") for c in ("ant", "bee") for n in "01"]
    return plant(root / "data", files)


LISTS = {
    "real_train": "real/ant/0.jpg 0\nreal/bee/0.jpg 1\n",
    "real_test": "real/ant/1.jpg 0\n",
    "sketch_train": "sketch/ant/0.jpg 0\n",
    "sketch_test": "sketch/ant/1.jpg 0\nsketch/bee/1.jpg 1\n",
}


def test_domainnets_own_lists_make_a_split(tmp_path: Path) -> None:
    root = domainnet(tmp_path)
    lists = write_lists(tmp_path / "lists", **LISTS)
    images = lay_out(str(root), layout=find_layout("domainnet"), lists=lists)
    write_manifest(images, tmp_path / "corpus.csv")
    corpus = str(tmp_path / "corpus.csv")
    manifest = scan(corpus).manifest
    split = listed_split(manifest, parts=read_parts(corpus), held_out=("sketch",))
    words = {
        Path(uri).relative_to(root).as_posix(): word
        for uri, word in zip(split.column("uri"), split.column("split"), strict=True)
    }
    assert words == {
        "real/ant/0.jpg": "train",
        "real/ant/1.jpg": "gallery",
        "real/bee/0.jpg": "train",
        "real/bee/1.jpg": "unused",
        "sketch/ant/0.jpg": "unused",
        "sketch/ant/1.jpg": "query",
        "sketch/bee/0.jpg": "unused",
        "sketch/bee/1.jpg": "query",
    }


def test_a_test_list_of_all_images_asks_all_of_the_held_out_domain_alone(tmp_path: Path) -> None:
    """PACS: what is trained on elsewhere is in the test lists too."""
    names = [f"{d}/dog/{n}.png" for d in ("photo", "sketch") for n in range(3)]
    root = plant(tmp_path / "data", [f"kfold/{name}" for name in names])
    lists = {}
    for d in ("photo", "sketch"):
        every = [f"{d}/dog/{n}.png 1" for n in range(3)]
        lists[f"{d}_train_kfold"] = "\n".join(every[:2])
        lists[f"{d}_crossval_kfold"] = every[2]
        lists[f"{d}_test_kfold"] = "\n".join(every)
    folder = write_lists(tmp_path / "lists", **lists)
    write_manifest(lay_out(str(root), layout=find_layout("pacs"), lists=folder), root / "c.csv")
    corpus = str(root / "c.csv")
    split = listed_split(scan(corpus).manifest, parts=read_parts(corpus), held_out=("sketch",))
    counts = Counter(zip(split.column("domain"), split.column("split"), strict=True))
    expected = {("photo", "train"): 2, ("photo", "validation"): 1, ("sketch", "query"): 3}
    assert counts == expected


def test_folders_that_say_the_part_make_a_split(tmp_path: Path) -> None:
    paths = [
        f"{d}/{part}/0/{d}{part}.jpg" for d in ("SUN", "LABELME") for part in ("train", "test")
    ]
    root = plant(tmp_path / "data", paths)
    write_manifest(lay_out(str(root), layout=find_layout("vlcs")), root / "c.csv")
    corpus = str(root / "c.csv")
    split = listed_split(scan(corpus).manifest, parts=read_parts(corpus), held_out=("SUN",))
    assert Counter(split.column("split")) == {"train": 1, "gallery": 1, "query": 1, "unused": 1}


def test_bytes_of_a_query_are_not_trained_on_whatever_the_lists_say(tmp_path: Path) -> None:
    root = domainnet(tmp_path)
    (root / "real/ant/0.jpg").write_bytes((root / "sketch/ant/1.jpg").read_bytes())
    images = lay_out(
        str(root),
        layout=find_layout("domainnet"),
        lists=write_lists(tmp_path / "lists", **LISTS),
    )
    write_manifest(images, root / "c.csv")
    corpus = str(root / "c.csv")
    split = listed_split(scan(corpus).manifest, parts=read_parts(corpus), held_out=("sketch",))
    leaked = split.where(split.column("uri") == str(root / "real/ant/0.jpg"))
    assert leaked.column("split").tolist() == ["duplicate"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"real_train": "real/ant/7.jpg 0\n"}, r"real_train\.txt: names real/ant/7\.jpg, which is"),
        ({"real_train": "real/ant/0.jpg 1\n"}, "the number 1, which stands for 'ant' elsewhere"),
        ({"real_train": "real/ant/0.jpg\n"}, "'real/ant/0.jpg' is not 'domain/class/file number'"),
    ],
)
def test_a_mislabelled_list_is_refused(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    root = domainnet(tmp_path)
    lists = LISTS | {"real_test": "real/bee/1.jpg 1\n"} | changes
    folder = write_lists(tmp_path / "lists", **lists)
    with pytest.raises(CorpusError, match=message):
        lay_out(str(root), layout=find_layout("domainnet"), lists=folder)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    root = domainnet(tmp_path)
    with pytest.raises(CorpusError, match=r"no layout 'domainet' .*Did you mean 'domainnet'\?"):
        find_layout("domainet")
    with pytest.raises(CorpusError, match=r"real_train\.txt: the list cannot be read"):
        lay_out(str(root), layout=find_layout("domainnet"), lists=tmp_path)
    with pytest.raises(CorpusError, match="no file is where this layout has images"):
        lay_out(str(root), layout=find_layout("tuberlin"))
    with pytest.raises(CorpusError, match="has no lists of its own"):
        lay_out(str(root), layout=find_layout("terraincognita"), lists=tmp_path)
    write_manifest(lay_out(str(root), layout=find_layout("domainnet")), root / "c.csv")
    with pytest.raises(CorpusError, match="says no 'part'"):
        read_parts(str(root / "c.csv"))
