"""Checkpoints: a stage's states as files, local or on S3, each whole or never taken.

    STAGE/step-00000120/state.safetensors    weights and moments
    STAGE/step-00000120/checkpoint.json      written last: step, score, size and hash of the state

A checkpoint counts once its record is there and the state has the recorded size and hash.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from pydantic import ValidationError
from safetensors.torch import load, save

from samesense.core.errors import TrainingError
from samesense.core.hashing import hash_bytes
from samesense.core.options import Options
from samesense.core.storage import Folder
from samesense.training.state import MOMENTS, TrainState

STATE, RECORD = "state.safetensors", "checkpoint.json"
WEIGHTS = "weights"


class CheckpointRecord(Options):
    """What ``checkpoint.json`` says."""

    step: int
    """How many steps of the stage are done."""
    score: float | None
    """The validation score at this step, where the step validated."""
    updates: int
    """How often AdamW has moved the parameters."""
    size_bytes: int
    """Size of the state."""
    sha256: str
    """Hash of the state."""

    @property
    def folder(self) -> str:
        """Name of the checkpoint's folder."""
        return f"step-{self.step:08d}"


@dataclass(frozen=True)
class Checkpoint:
    """A state that was read back and is whole."""

    record: CheckpointRecord
    state: TrainState


class Checkpoints:
    """The checkpoints of one stage, in one folder. Only one process may write."""

    def __init__(self, uri: str, *, keep_last: int) -> None:
        """Name the folder; ``keep_last`` checkpoints stay, and the one with the best score."""
        self._folder = Folder(uri)
        self._keep_last = keep_last

    def write(self, state: TrainState, *, step: int, score: float | None) -> None:
        """Write a checkpoint, then remove those that are neither recent nor the best.

        Raises:
            TrainingError: if the state is not finite or the storage refuses.
        """
        _refuse_wild(state, step=step)
        data = save(_named(state))
        record = CheckpointRecord(
            step=step,
            score=score,
            updates=state.updates,
            size_bytes=len(data),
            sha256=hash_bytes(data),
        )
        try:
            self._folder.write(f"{record.folder}/{STATE}", data)
            self._folder.write(f"{record.folder}/{RECORD}", record.model_dump_json().encode())
            self._remove_old()
        except OSError as error:
            raise TrainingError(
                f"{self._folder.uri}: the checkpoint of step {step} cannot be written: {error}; "
                "the last one is unharmed: mend the storage and go on with --resume"
            ) from None

    def newest(self) -> Checkpoint | None:
        """Return the latest checkpoint that is whole, or none.

        Raises:
            TrainingError: if the storage cannot be read.
        """
        return self._first_whole(sorted(self.records(), key=lambda r: r.step, reverse=True))

    def chosen(self) -> Checkpoint | None:
        """Return the whole checkpoint with the best score, or the latest where none has a score.

        Raises:
            TrainingError: if the storage cannot be read.
        """
        return self._first_whole(sorted(self.records(), key=_rank, reverse=True))

    def records(self) -> list[CheckpointRecord]:
        """Return the records that are there, whether or not their states are whole.

        Raises:
            TrainingError: if the storage cannot be read.
        """
        try:
            names = [name for name in self._folder.names() if name.endswith(f"/{RECORD}")]
            return list(_readable(self._folder.read(name) for name in names))
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> TrainingError:
        return TrainingError(
            f"{self._folder.uri}: checkpoints cannot be read: {error}; "
            "mend the storage and go on with --resume"
        )

    def _first_whole(self, records: list[CheckpointRecord]) -> Checkpoint | None:
        for record in records:
            try:
                data = self._folder.read(f"{record.folder}/{STATE}")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._unreadable(error) from None
            if len(data) == record.size_bytes and hash_bytes(data) == record.sha256:
                return Checkpoint(record=record, state=_state(load(data), record.updates))
        return None

    def _remove_old(self) -> None:
        records = sorted(self.records(), key=lambda r: r.step)
        kept = {r.step for r in records[-self._keep_last :]}
        kept.add(max(records, key=_rank).step)
        for record in records:
            if record.step not in kept:
                self._folder.remove(record.folder)


def _rank(record: CheckpointRecord) -> tuple[float, int]:
    """Order by score, the earlier of two equals first; without scores, by step."""
    if record.score is None:
        return (-1.0, record.step)
    return (record.score, -record.step)


def _readable(texts: Iterator[bytes]) -> Iterator[CheckpointRecord]:
    for text in texts:
        try:
            yield CheckpointRecord.model_validate_json(text)
        except ValidationError:
            continue


def _refuse_wild(state: TrainState, *, step: int) -> None:
    wild = [name for name, w in state.weights.items() if not torch.isfinite(w).all()]
    if wild:
        raise TrainingError(
            f"step {step}: the weights of {', '.join(wild[:3])} are not finite any more; "
            "lower optimiser.learning_rate or use float32. The last checkpoint is unharmed"
        )


def _named(state: TrainState) -> dict[str, torch.Tensor]:
    parts = {WEIGHTS: state.weights, **state.moments}
    return {f"{part}/{name}": t for part, tensors in parts.items() for name, t in tensors.items()}


def _state(named: dict[str, torch.Tensor], updates: int) -> TrainState:
    parts: dict[str, dict[str, torch.Tensor]] = {part: {} for part in (WEIGHTS, *MOMENTS)}
    for key, tensor in named.items():
        part, name = key.split("/", 1)
        parts[part][name] = tensor
    return TrainState(
        weights=parts[WEIGHTS], moments={m: parts[m] for m in MOMENTS}, updates=updates
    )
