"""Lists of classes, as data sets publish them: a name a line, or an array of NumPy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from samesense.core.errors import CorpusError

SUFFIXES = (".txt", ".npy")


def read_classes(given: Sequence[str]) -> tuple[str, ...]:
    """Return the classes that are given by name or by files ``.txt`` and ``.npy``, in their order.

    Raises:
        CorpusError: if a file cannot be read, or a class is named twice.
    """
    names: list[str] = []
    for one in given:
        names += _read(Path(one)) if Path(one).suffix in SUFFIXES else [one]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise CorpusError(f"{', '.join(given)}: class '{twice[0]}' is named more than once")
    return tuple(names)


def _read(path: Path) -> list[str]:
    try:
        if path.suffix == ".npy":
            return [str(name) for name in np.load(path, allow_pickle=False).ravel()]
        lines = path.read_text(encoding="utf-8").splitlines()
        return [line.strip() for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be read as a list of classes: {error}") from None
