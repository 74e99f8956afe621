"""A wrong configuration is refused by file, line, key and the nearest valid name."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from samesense.core.config import load_located, load_options, overridden, validated
from samesense.core.errors import ConfigError, Fault, blame
from samesense.core.options import Options


class Square(Options):
    kind: Literal["square"]
    side: float = 1.0


class Circle(Options):
    kind: Literal["circle"]
    radius: int = Field(default=1, ge=1)


class Drawing(Options):
    shapes: dict[str, Annotated[Square | Circle, Field(discriminator="kind")]]
    sizes: tuple[int, ...] = ()
    paper: Literal["a3", "a4"] = "a4"


def write(folder: Path, text: str, name: str = "drawing.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def refusal(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_options(path, kind=Drawing, overrides=overrides, find_base=find(path.parent))
    return str(caught.value)


def find(folder: Path):
    return lambda name: folder / f"{name}.yaml"


GOOD = """\
shapes:
  door: {kind: square, side: 1e-3}
  moon:
    kind: circle
    radius: 4
"""


def test_a_valid_file_is_read(tmp_path: Path) -> None:
    drawing = load_options(write(tmp_path, GOOD), kind=Drawing)
    assert drawing.shapes["door"] == Square(kind="square", side=0.001)
    assert drawing.shapes["moon"] == Circle(kind="circle", radius=4)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("radius: 4", "raduis: 4", "5: shapes.moon.raduis: unknown key. Did you mean 'radius'?"),
        ("radius: 4", "radius: x", "5: shapes.moon.radius: Input should be a valid integer"),
        ("radius: 4", "radius: 0", "5: shapes.moon.radius: Input should be greater than"),
        (
            "kind: circle",
            "kind: circel",
            "4: shapes.moon.kind: no kind 'circel' (has: square, circ",
        ),
        ("shapes:", "paper: a5\nshapes:", "1: paper: 'a5' is not one of: a3, a4."),
        ("shapes:", "shapse:", "1: shapes: is required"),
        ("kind: circle", "side: 2", "3: shapes.moon.kind: is required"),
        ("radius: 4", "radius: 4\n    radius: 5", "6: shapes.moon.radius: given twice"),
        ("radius: 4", "radius: [", "is not valid YAML"),
        ("radius: 4", "radius: 2001-13-01", "5: shapes.moon.radius: month must be in 1..12"),
        (
            "radius: 4",
            "radius: !!python/name:os.name",
            "5: shapes.moon.radius: could not determine",
        ),
        ("shapes:", "sizes: &a [1, *a]\nshapes:", "1: sizes.1: contains itself"),
        ("shapes:", "sizes: " + "[" * 400 + "]" * 400, "is not valid YAML"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    message = refusal(write(tmp_path, GOOD.replace(old, new)))
    assert expected in message
    assert str(tmp_path / "drawing.yaml") in message


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, GOOD.replace("radius: 4", "radius: x\npapr: a3")))
    assert len(message.splitlines()) == 2
    assert "6: papr: unknown key. Did you mean 'paper'?" in message


def test_overrides_replace_single_values(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "sizes: [1, 2]\n")
    drawing = load_options(
        path, kind=Drawing, overrides=["shapes.moon.radius=7", "sizes.1=9", "paper=a3"]
    )
    assert drawing.shapes["moon"].radius == 7
    assert (drawing.sizes, drawing.paper) == ((1, 9), "a3")


def test_a_wrong_override_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "sizes: [1]\npaper: a4\n")
    assert "--set papre=a3: papre: unknown key" in refusal(path, "papre=a3")
    assert "write it as key.path=value" in refusal(path, "paper")
    assert "no '3' there" in refusal(path, "sizes.3=1")
    assert "does not lead into a mapping" in refusal(path, "paper.x=1")
    assert "--set sizes.0=[: is not valid YAML" in refusal(path, "sizes.0=[")
    assert "--set sizes=&a [*a]: sizes.0: contains itself" in refusal(path, "sizes=&a [*a]")
    assert "no '²' there" in refusal(path, "sizes.²=1")


def test_a_base_is_laid_under_and_keeps_its_lines(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "first.yaml")
    path = write(tmp_path, "base: first\nshapes: {moon: {radius: 9}}\npaper: a3\n")
    drawing = load_options(path, kind=Drawing, find_base=find(tmp_path))
    assert drawing.shapes["moon"].radius == 9
    assert drawing.shapes["door"].side == 0.001
    write(tmp_path, GOOD.replace("side", "size"), "first.yaml")
    assert f"{tmp_path / 'first.yaml'}:2: shapes.door.size: unknown key" in refusal(path)


def test_another_kind_replaces_the_whole_block_of_the_base(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "first.yaml")
    path = write(tmp_path, "base: first\nshapes: {moon: {kind: square}}\n")
    drawing = load_options(path, kind=Drawing, find_base=find(tmp_path))
    assert drawing.shapes["moon"] == Square(kind="square")


def test_a_missing_file_or_base_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "none.yaml")
    path = write(tmp_path, "base: nothing\n")
    assert f"{path}:1: base:" in refusal(path)


def test_an_override_chooses_the_base_and_others_replace_what_it_says(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "first.yaml")
    write(tmp_path, "shapes: {sun: {kind: circle, radius: 2}}\n", "second.yaml")
    path = write(tmp_path, "base: first\npaper: a3\n")
    chosen = load_options(
        path,
        kind=Drawing,
        overrides=["shapes.sun.radius=3", "base=second"],
        find_base=find(tmp_path),
    )
    assert chosen == Drawing(shapes={"sun": Circle(kind="circle", radius=3)}, paper="a3")
    plain = write(tmp_path, "paper: a3\n", "plain.yaml")
    assert load_options(
        plain, kind=Drawing, overrides=["base=first"], find_base=find(tmp_path)
    ).shapes.keys() == {"door", "moon"}
    message = refusal(path, "base=thrid")
    assert message.startswith(f"--set base=thrid: base: {tmp_path / 'thrid.yaml'}: cannot be read")


def test_an_override_may_hold_a_base(tmp_path: Path) -> None:
    class Album(Options):
        cover: Drawing

    write(tmp_path, GOOD, "first.yaml")
    album = load_options(
        write(tmp_path, "cover: {paper: a3}\n"),
        kind=Album,
        overrides=["cover={base: first, shapes: {moon: {radius: 7}}}"],
        find_base=find(tmp_path),
    )
    assert album.cover.shapes["moon"] == Circle(kind="circle", radius=7)
    assert (album.cover.paper, len(album.cover.shapes)) == ("a3", 2)


def test_a_file_that_is_its_own_base_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "base: second\n", "first.yaml")
    second = write(tmp_path, "paper: a3\nbase: first\n", "second.yaml")
    message = refusal(second)
    assert message.startswith(f"{second}:2: base: {tmp_path / 'first.yaml'}:1: base: ")
    assert message.endswith(f"{second}: has itself as a base")


def test_a_fault_found_later_is_told_with_the_place_of_its_value(tmp_path: Path) -> None:
    first = write(tmp_path, GOOD + "sizes: [1, 2, 3]\n", "first.yaml")
    path = write(tmp_path, "base: first\npaper: a3\nshapes:\n  moon: {kind: square}\n")
    located = load_located(path, kind=Drawing, overrides=["sizes=[9, 9]"], find_base=find(tmp_path))
    with pytest.raises(ConfigError) as caught, located.places.locate(), blame("shapes"):
        raise ConfigError(Fault(("moon", "radius"), "is odd"), Fault(("door",), "is shut"), "worn")
    assert str(caught.value).splitlines() == [
        f"{path}:4: shapes.moon.radius: is odd",
        f"{first}:2: shapes.door: is shut",
        f"{path}:3: shapes: worn",
    ]
    assert located.places.of(("sizes", 1)) == "--set sizes=[9, 9]"
    assert located.places.of(("paper",)) == f"{path}:2"
    assert located.places.of(("ink", "colour")) == f"{path}:1"
    with pytest.raises(ConfigError, match=r"^no fault of a value$"), located.places.locate():
        raise ConfigError("no fault of a value")


def test_values_of_the_command_line_are_validated_alike() -> None:
    with pytest.raises(ConfigError, match="command line: paper: 'a9' is not one of"):
        validated(Drawing, {"shapes": {}, "paper": "a9"})


def test_options_are_overridden_by_key_path(tmp_path: Path) -> None:
    drawing = load_options(write(tmp_path, GOOD), kind=Drawing)
    other = overridden(
        drawing, {"shapes.moon.radius": 9, "shapes.door": {"kind": "circle"}, "sizes": [1, 2]}
    )
    assert other.shapes["moon"] == Circle(kind="circle", radius=9)
    assert other.shapes["door"] == Circle(kind="circle")
    assert other.sizes == (1, 2)
    assert drawing.shapes["moon"] == Circle(kind="circle", radius=4)


def test_all_faults_of_overriding_are_named(tmp_path: Path) -> None:
    drawing = load_options(write(tmp_path, GOOD), kind=Drawing)
    with pytest.raises(ConfigError) as caught:
        overridden(drawing, {"shapes.moon.radius": 0, "paper": "a9"})
    assert [fault.at for fault in caught.value.args] == [("shapes", "moon", "radius"), ("paper",)]
    with pytest.raises(ConfigError, match=r"no '3' there"):
        overridden(drawing, {"sizes.3": 1})
