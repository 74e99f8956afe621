"""Whether a job goes on or begins: what the run before left in the folder ``out``."""

import json
import shutil
from pathlib import Path
from typing import Any, Literal

from samesense.bulk.listing import read_listing
from samesense.bulk.options import EmbedJob
from samesense.bulk.task import LEDGER, LISTING, VECTORS
from samesense.core.errors import ConfigError, Fault
from samesense.core.hashing import hash_json
from samesense.core.storage import write_text_atomically

Start = Literal["continue", "fresh", "rejected"]
STATE = "state.json"
CHANGES_NOTHING_WRITTEN = {
    *("model", "out", "cache", "switch", "prune", "most_pruned", "patience_s", "metrics_port")
}
"""Options that a run may go on with changed; the model is known by its fingerprint."""
SHAPES_BLOCKS = "rows_per_block"
LIMITS = "limits"
"""Rejected rows may be tried again under other limits; they may be the reason to."""


def begin(job: EmbedJob, *, fingerprint: str, start: Start) -> bool:
    """Prepare ``out`` and return whether an earlier run of the same job goes on.

    ``continue`` goes on with an unfinished run or begins anew; ``rejected`` takes the rejected rows
    of a finished one.

    Raises:
        ConfigError: if only rejected rows are wanted, and no run of this job has listed any.
    """
    out, now = Path(job.out), _keys(job, fingerprint)
    before = _read(out)
    listing = read_listing(out / LISTING)
    same = before.get("key") == now["key"] and listing is not None and listing.rows > 0
    if start == "rejected":
        if not same or not before.get("finished"):
            raise ConfigError(
                Fault(
                    ("out",),
                    f"{out}: holds no finished run of this job whose rejected rows "
                    "could be tried again; run the job first",
                )
            )
        return True
    same = same and before.get(LIMITS) == now[LIMITS]
    goes_on = start == "continue" and same and not before.get("finished")
    if not goes_on:
        for name in (LEDGER, LISTING, VECTORS):
            shutil.rmtree(out / name, ignore_errors=True)
    _write(out, **now, finished=False)
    return goes_on


def finish(job: EmbedJob, *, fingerprint: str) -> None:
    """Declare the run finished: the next one lists the corpus anew."""
    _write(Path(job.out), **_keys(job, fingerprint), finished=True)


def _keys(job: EmbedJob, fingerprint: str) -> dict[str, str]:
    """Return what tells a run from another: of the job, and of its limits."""
    told = job.model_dump(mode="json", exclude=CHANGES_NOTHING_WRITTEN | {"encode", LIMITS})
    shape = getattr(job.encode, SHAPES_BLOCKS)
    return {
        "key": hash_json(told | {SHAPES_BLOCKS: shape, "fingerprint": fingerprint}),
        LIMITS: hash_json(job.limits.model_dump(mode="json")),
    }


def _read(out: Path) -> dict[str, Any]:
    path = out / STATE
    if not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _write(out: Path, **values: Any) -> None:
    write_text_atomically(out / STATE, json.dumps(values) + "\n")
