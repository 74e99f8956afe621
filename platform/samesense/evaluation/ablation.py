"""What an ablation measured, as a file that the page of an evaluation can show."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from samesense.core.errors import ConfigError
from samesense.core.storage import write_text_atomically
from samesense.evaluation.results import Row

ABLATION_FILE = "results.json"


@dataclass(frozen=True)
class Ablation:
    """Variants of a recipe over held-out domains and seeds."""

    name: str
    reference: str
    """The variant that the others are compared with."""
    parameters: Mapping[str, int]
    """Variant → how many numbers it trained."""
    rows: Mapping[str, Sequence[Row]]
    """Variant → its rows, those of its unaligned backbone among them."""


def write_ablation(folder: Path, ablation: Ablation) -> Path:
    """Write it into the ablation's folder, and return the file."""
    path = folder / ABLATION_FILE
    write_text_atomically(path, json.dumps(asdict(ablation), indent=1) + "\n")
    return path


def read_ablation(folder: Path) -> Ablation:
    """Read what ``write_ablation`` wrote.

    Raises:
        ConfigError: if the folder holds no finished ablation.
    """
    path = folder / ABLATION_FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        rows = {name: [Row(**row) for row in of] for name, of in told.pop("rows").items()}
        return Ablation(**told, rows=rows)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{path}: holds no ablation ({error}); give the folder that `samesense ablate` wrote, "
            "once it has finished"
        ) from None
