"""The walls: what a newcomer finds in the tree, and how big its pieces may be."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "platform" / "samesense"
MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_LINES_OF_A_DOOR = 300, 60, 40
WHERE_CODE_LIES = ("platform", "jobs", "tests", "benchmarks")


def sources(*folders: str) -> Iterator[Path]:
    return (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


def test_nothing_shadows_pythons_own_platform_module() -> None:
    assert not (ROOT / "platform.py").exists()
    assert list((ROOT / "platform").glob("*.py")) == []


def test_every_room_says_what_it_is_for() -> None:
    rooms = [path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"]
    for room in rooms:
        assert ast.get_docstring(ast.parse((room / "__init__.py").read_text())), room


def test_no_file_is_too_long_to_read() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in sources(*WHERE_CODE_LIES)}
    assert {path: count for path, count in lengths.items() if count > MOST_LINES} == {}
    doors = {path: lengths[path] for path in sources("jobs")}
    assert all(count <= MOST_LINES_OF_A_DOOR for count in doors.values())


def test_no_function_is_too_long_to_read() -> None:
    lengths = {
        f"{path}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in sources("platform", "jobs")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    long = {where: n for where, n in lengths.items() if n > MOST_LINES_OF_A_FUNCTION}
    assert long == {}


def test_every_public_function_is_documented() -> None:
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path in sources("platform")
        for node in ast.iter_child_nodes(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []
