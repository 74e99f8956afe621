"""What a run is: its job and its data, written down before it starts and compared on resume."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from samesense.core.errors import ConfigError
from samesense.core.options import Options, flat
from samesense.core.storage import Folder, write_text_atomically
from samesense.training.options import TrainJob
from samesense.training.runs import JOB_FILE

Start = Literal["new", "resume", "fresh"]
"""``new`` refuses a folder that holds a run, ``resume`` goes on with it, ``fresh`` removes it."""

RECORD = "run.json"
CHECKPOINTS = "checkpoints"
MAY_DIFFER = ("out", "cache", "workers.", "checkpoints.", "tracking.", "deepspeed.zero_stage")
"""What a run may change when it goes on: nothing of it shapes what is learned."""


class RunRecord(Options):
    """What a run works on."""

    job: dict[str, Any]
    """The ``TrainJob`` as JSON."""
    manifest_hash: str
    """Hash of the items that it sees."""


def checkpoint_root(job: TrainJob) -> str:
    """Return where the run's checkpoints lie, a folder a stage."""
    return job.checkpoints.storage or str(Path(job.out).absolute() / CHECKPOINTS)


def check_run(job: TrainJob, *, start: Start, manifest_hash: str | None = None) -> None:
    """Check that what lies in the run's place is what ``start`` expects.

    The data are compared where ``manifest_hash`` is given.

    Raises:
        ConfigError: if ``start`` is ``new`` and there is a run, or it is ``resume`` and the run
            there differs in what shapes its outcome, or the storage refuses.
    """
    root = checkpoint_root(job)
    there = None if start == "fresh" else _read(Folder(root))
    if there is None:
        return
    if start == "new":
        raise ConfigError(
            f"{root}: holds a run already; --resume goes on with it, --fresh removes it and "
            "starts over, or choose another folder (out)"
        )
    lines = [
        f"  {key}: {old} there, {new} now"
        for key, (old, new) in differences(_now(there.job), job.model_dump(mode="json")).items()
        if not key.startswith(MAY_DIFFER)
    ]
    if manifest_hash not in (None, there.manifest_hash):
        lines.append("  the corpus: other images, labels or splits than there")
    if lines:
        told = "\n".join(lines)
        raise ConfigError(f"{root}: the run there is another one; --fresh starts over:\n{told}")


def _now(job: dict[str, Any]) -> dict[str, Any]:
    """Return a job that may have been written before some option was there, which has its default
    then."""
    try:
        return TrainJob.model_validate(job).model_dump(mode="json")
    except ValidationError:
        return job


def claim_run(job: TrainJob, *, manifest_hash: str, start: Start) -> None:
    """Check what is there, remove it where ``start`` is ``fresh``, and write this run down.

    Raises:
        ConfigError: as ``check_run``.
    """
    check_run(job, start=start, manifest_hash=manifest_hash)
    root = checkpoint_root(job)
    folder = Folder(root)
    mine = RunRecord(job=job.model_dump(mode="json"), manifest_hash=manifest_hash)
    try:
        for stage in job.recipe.stages if start == "fresh" else ():
            folder.remove(stage.name)
        folder.write(RECORD, mine.model_dump_json(indent=2).encode())
    except OSError as error:
        raise ConfigError(f"{root}: checkpoints cannot be kept there: {error}") from None
    write_text_atomically(Path(job.out) / JOB_FILE, json.dumps(mine.job, indent=2) + "\n")


def _read(folder: Folder) -> RunRecord | None:
    try:
        return RunRecord.model_validate_json(folder.read(RECORD))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{folder.uri}: checkpoints cannot be read: {error}") from None
    except ValidationError:
        raise ConfigError(
            f"{folder.uri}/{RECORD}: is not the record of a run; --fresh starts over"
        ) from None


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return ``key.path`` → (value in one, value in the other), as JSON, where they differ."""
    left, right = flat(one), flat(other)
    return {
        key: (_shown(left, key), _shown(right, key))
        for key in sorted(left.keys() | right.keys())
        if _shown(left, key) != _shown(right, key)
    }


def _shown(values: Mapping[str, Any], key: str) -> str:
    return json.dumps(values[key]) if key in values else "nothing"
