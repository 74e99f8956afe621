"""The Ray Data driver of bulk embedding: prepare → encode → commit, each in actors of its own.

A row of the data set is a block. Back-pressure is Ray Data's: what is rendered waits in the object
store, which is bounded, and rendering waits for it.
"""

import gc
import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import ray
import ray.data
from numpy.typing import NDArray

from samesense.bulk.blocks import Committed
from samesense.bulk.commit import CommitBlock
from samesense.bulk.encode import EncodeBlock
from samesense.bulk.prepare import PrepareBlock
from samesense.bulk.task import EmbedTask
from samesense.core.errors import BulkError, own_error
from samesense.training.device import on_gpu

# Ray announces that 2.64 takes restarts and retries in another way; ours is held below it.
warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")

RESTARTS = 100
"""How often a worker is replaced in one run of a job."""
PREPARE_CPUS, ENCODE_CPUS, COMMIT_CPUS = 0.4, 0.5, 0.2
"""Shares of a CPU that Ray reserves; they differ, or Ray Data would run steps in one actor, and the
tower would wait for decoding and writing."""


def run_blocks(task: EmbedTask, numbers: Sequence[int]) -> Iterator[Committed]:
    """Do these blocks, in any order, and yield each when it is finished.

    Workers that die are replaced, and their block is begun again, a bounded number of times.

    Raises:
        SamesenseError: what a worker has found wrong.
        BulkError: if a block kills its workers again and again.
    """
    blocks = _steps(task, numbers)
    told: Exception | None = None
    try:
        for row in blocks.iter_rows():
            yield pickle.loads(row["block"])
    except Exception as error:
        told = _told(error, task)
    if told is not None:
        # Not in the handler: workers live as long as anything knows Ray Data's executor, which the
        # frames of Ray's own error do, and cycles. The next job of this process would wait for
        # their CPUs.
        del blocks
        gc.collect()
        raise told


def _steps(task: EmbedTask, numbers: Sequence[int]) -> "ray.data.Dataset":
    """Return the blocks on their way; nothing is done before they are asked for."""
    options = task.encode
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    # Wrapped in Ray's own exception, what a worker has found wrong would not reach the driver.
    context.raise_original_map_exception = True
    gpu = on_gpu(options.device, processes=options.actors)
    encoders = ray.data.ActorPoolStrategy(
        min_size=options.idle_actors or options.actors, max_size=options.actors
    )
    renderers = ray.data.ActorPoolStrategy(size=options.actors * options.renderers_per_actor)
    whole_blocks: dict[str, Any] = {
        "batch_size": None,
        "max_restarts": RESTARTS,
        "max_task_retries": options.retries_per_block,
    }
    return (
        ray.data.from_items(
            [{"block": number} for number in numbers], override_num_blocks=len(numbers)
        )
        .map_batches(
            _Prepare,
            fn_constructor_args=(task,),
            compute=renderers,
            num_cpus=PREPARE_CPUS,
            **whole_blocks,
        )
        .map_batches(
            _Encode,
            fn_constructor_args=(task, "cuda" if gpu else "cpu"),
            compute=encoders,
            num_cpus=ENCODE_CPUS,
            num_gpus=int(gpu),
            **whole_blocks,
        )
        .map_batches(
            _Commit,
            fn_constructor_args=(task,),
            compute=ray.data.ActorPoolStrategy(size=options.writers),
            num_cpus=COMMIT_CPUS,
            **whole_blocks,
        )
    )


def _told(error: Exception, task: EmbedTask) -> Exception:
    own = own_error(error)
    if own is not None:
        return own
    if isinstance(error, ray.exceptions.RayActorError | ray.exceptions.OutOfMemoryError):
        return BulkError(
            f"a block has lost its worker {task.encode.retries_per_block + 1} times "
            f"({type(error).__name__}: {str(error).strip()[-600:]}); what was finished is kept. If "
            "workers run out of memory, lower encode.rows_per_block or encode.images_per_forward"
        )
    return error


class _Step:
    """One step as Ray Data runs it: blocks are bytes to it."""

    def __init__(self, step: Any) -> None:
        self.step = step

    def _load(self) -> None:
        """Load ahead; what cannot be loaded is told by the first block, as the job's own error.

        An error here would end the worker, and Ray would start another, again and again.
        """
        with suppress(Exception):
            self.step.load()

    def __call__(self, batch: dict[str, NDArray[Any]]) -> dict[str, list[bytes]]:
        given = [
            pickle.loads(item) if isinstance(item, bytes) else int(item) for item in batch["block"]
        ]
        return {"block": [pickle.dumps(self.step(item), protocol=5) for item in given]}


class _Prepare(_Step):
    def __init__(self, task: EmbedTask) -> None:
        super().__init__(PrepareBlock(task))
        if task.first_pass:
            self._load()


class _Encode(_Step):
    def __init__(self, task: EmbedTask, device: str) -> None:
        super().__init__(EncodeBlock(task, device=device))
        if task.first_pass:
            self._load()


class _Commit(_Step):
    def __init__(self, task: EmbedTask) -> None:
        super().__init__(CommitBlock(task))
        self._load()
