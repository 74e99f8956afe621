"""Ray Train's workers for one stage: started, started again when they die, stopped when asked."""

import shutil
import sys
import threading
import time
from pathlib import Path

import ray.train
import ray.train.torch
from ray.train.torch import TorchTrainer

from samesense.core.errors import StoppedError, TrainingError, own_error
from samesense.training.checkpoints import Checkpoints
from samesense.training.device import on_gpu
from samesense.training.loop import train_stage
from samesense.training.options import TrainJob
from samesense.training.stop import signals_ask
from samesense.training.task import StageTask
from samesense.training.watch import shown

RAY_FOLDER = "ray"


def run_stage(job: TrainJob, task: StageTask, out: Path) -> None:
    """Take all steps of a stage that its last checkpoint leaves.

    Workers that die are started again and go on from the last checkpoint, unless they die
    ``checkpoints.restarts`` times without getting any further.

    Raises:
        SamesenseError: what a worker has found wrong; it is not tried again.
        StoppedError: if a signal asked the run to stop; its last step is in a checkpoint.
        TrainingError: if the workers keep dying.
    """
    deaths, reached = 0, _steps_done(task)
    with shown(out, stage=task.stage, first_step=reached), signals_ask(out) as asked:
        while True:
            error = _fit(job, task, out)
            # First of all: if the storage fails, the worker that wrote has told it best.
            if error is not None and (told := own_error(error)) is not None:
                raise told
            done = _steps_done(task)
            if error is None and done == task.stage.steps:
                return
            if asked.is_set():
                raise _stopped(task, done)
            if error is None:
                raise TrainingError(f"{task.checkpoint_folder}: lacks the last step's checkpoint")
            deaths = 1 if done > reached else deaths + 1
            reached = done
            if deaths > job.checkpoints.restarts:
                raise _given_up(task, deaths, done, error) from error
            print(
                f"samesense: a worker of stage '{task.stage.name}' was lost; going on from step "
                f"{done} of {task.stage.steps}",
                file=sys.stderr,
                flush=True,
            )


def _steps_done(task: StageTask) -> int:
    checkpoints = Checkpoints(task.checkpoint_folder, keep_last=task.checkpoints.keep_last)
    newest = checkpoints.newest()
    return newest.record.step if newest else 0


def _fit(job: TrainJob, task: StageTask, out: Path) -> BaseException | None:
    """Run the workers once and return what went wrong.

    Ray Train runs in a thread of its own, so that signals are ours.
    """
    workers = job.workers
    gpu = on_gpu(workers.device, processes=workers.count)
    trainer = TorchTrainer(
        _train_on_worker,
        train_loop_config=task,
        scaling_config=ray.train.ScalingConfig(
            num_workers=workers.count,
            use_gpu=gpu,
            resources_per_worker={"CPU": workers.cpus_per_worker} | ({"GPU": 1} if gpu else {}),
        ),
        run_config=ray.train.RunConfig(
            name=f"{task.stage.name}-{time.time_ns()}", storage_path=str(out / RAY_FOLDER)
        ),
    )
    errors: list[BaseException] = []

    def fit() -> None:
        try:
            trainer.fit()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=fit, daemon=True)
    thread.start()
    thread.join()
    shutil.rmtree(out / RAY_FOLDER, ignore_errors=True)
    return errors[0] if errors else None


def _train_on_worker(task: StageTask) -> None:
    train_stage(task, device=ray.train.torch.get_device())


def _stopped(task: StageTask, done: int) -> StoppedError:
    return StoppedError(
        f"stopped after step {done} of {task.stage.steps} of stage '{task.stage.name}'; "
        "the same command with --resume goes on"
    )


def _given_up(task: StageTask, deaths: int, done: int, error: BaseException) -> TrainingError:
    return TrainingError(
        f"stage '{task.stage.name}': the workers died {deaths} times in a row after step {done} "
        f"({type(error).__name__}: {str(error).strip()[-1000:]}); the last checkpoint is unharmed: "
        "mend the cause, such as too little memory, and go on with --resume"
    )
