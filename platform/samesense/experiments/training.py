"""Training with the bulk pipeline at hand, which embeds what frozen towers give."""

from pathlib import Path

from samesense.bulk.fill import fill_image_vectors
from samesense.bulk.options import EncodeOptions
from samesense.core.errors import TrainingError
from samesense.corpus.manifest import Manifest
from samesense.corpus.splits import SPLITS_FILE
from samesense.training.driver import RunStage, Trained, train
from samesense.training.options import TrainJob
from samesense.training.record import Start
from samesense.training.workers import run_stage
from samesense.vectors.cache import VectorCache


def train_on(
    job: TrainJob,
    manifest: Manifest,
    *,
    start: Start = "new",
    run_stage: RunStage = run_stage,
) -> Trained:
    """Train on a manifest that carries its splits, by default on Ray Train's workers.

    Frozen towers embed all of it, not only what is trained on: an evaluation needs the rest, and
    the splits, which are written into the run's folder.
    """
    manifest.write(Path(job.out) / SPLITS_FILE)

    def fill(items: Manifest, model: Path, view: str) -> VectorCache:
        filled = fill_image_vectors(
            manifest,
            model=model,
            cache_root=job.cache,
            limits=job.corpus.limits,
            options=EncodeOptions(device=job.workers.device),
            view=view,
        )
        needed = zip(items.column("content_hash"), items.column("uri"), strict=True)
        lost = {uri: filled.rejected[key] for key, uri in needed if key in filled.rejected}
        if lost:
            uri, why = next(iter(lost.items()))
            raise TrainingError(
                f"{len(lost)} images that the scan accepted cannot be read any more, such as "
                f"{uri}: {why.reason} ({why.detail}); scan the corpus again"
            )
        return filled.cache

    return train(job, manifest=manifest, fill_vectors=fill, start=start, run_stage=run_stage)
