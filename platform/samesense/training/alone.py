"""A stage's steps in this very process, without Ray Train: for many short runs, one after another.

Starting workers takes longer than a light module learns for. A Ray task that calls this keeps its
process, with all that it has imported, for the next run.
"""

import os
from pathlib import Path

import ray
import torch
import torch.distributed as dist
from torch._C._distributed_c10d import HashStore

from samesense.core.errors import StoppedError
from samesense.training.loop import train_stage
from samesense.training.options import TrainJob
from samesense.training.stop import stop_asked
from samesense.training.task import StageTask


def run_stage_alone(job: TrainJob, task: StageTask, out: Path) -> None:
    """Take all steps of a stage that its last checkpoint leaves, as the only worker.

    Raises:
        SamesenseError: what has been found wrong.
        StoppedError: if the run was asked to stop; its last step is in a checkpoint.
    """
    assert job.workers.count == 1
    device = torch.device("cuda" if ray.get_gpu_ids() else "cpu")
    if not dist.is_initialized():
        os.environ["LOCAL_RANK"] = "0"  # DeepSpeed asks for it
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, store=HashStore(), rank=0, world_size=1)
    train_stage(task, device=device)
    if stop_asked(out):
        raise StoppedError(f"{out}: stopped in stage '{task.stage.name}'")
