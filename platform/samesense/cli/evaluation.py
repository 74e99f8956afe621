"""An evaluation as the doors run it: the training's own split, tower vectors, before and after.

Shapes: N items, D width.
"""

from pathlib import Path

import numpy as np

from samesense.artefact.folder import Artefact, load_artefact
from samesense.bulk.fill import fill_image_vectors
from samesense.bulk.options import EncodeOptions
from samesense.core.errors import CorpusError
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.corpus.splits import SPLITS_FILE, leave_domains_out
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.options import EvaluateJob
from samesense.evaluation.protocols.matrix import source_target_matrix
from samesense.evaluation.protocols.udcdr import udcdr
from samesense.evaluation.report.report import Fold
from samesense.evaluation.results import BASELINE, Row
from samesense.training.options import TrainJob


def split_as_trained(job: EvaluateJob) -> Manifest:
    """Scan the corpus and split it as the model's training did.

    Raises:
        ArtefactError: if the model cannot be read.
        CorpusError: if the corpus cannot be read, or holds images that the model was trained on
            where it must not.
    """
    artefact = load_artefact(job.model)
    trained_by = _trained_by(artefact)
    found = scan(job.corpus, limits=job.limits)
    split = leave_domains_out(
        found.manifest,
        held_out=trained_by.corpus.held_out,
        seed=trained_by.seed,
        shares=trained_by.corpus.shares,
    )
    refuse_leaks(split, trained_on=artefact.folder.parent / SPLITS_FILE)
    return split


def run_evaluation(job: EvaluateJob, *, split: Manifest) -> list[Row]:
    """Return the rows of a protocol for a model and for its unaligned backbone.

    Ray must be running.

    Raises:
        ArtefactError: if the model cannot be read.
    """
    artefact = load_artefact(job.model)
    fold = compare(artefact, split, cache_root=job.cache, limits=job.limits)
    seed = _trained_by(artefact).seed
    return fold_rows(fold, seed=seed, model=artefact.recipe.name, protocol=job.protocol)


def _trained_by(artefact: Artefact) -> TrainJob:
    return TrainJob.model_validate(artefact.record.provenance["config"])


def refuse_leaks(split: Manifest, *, trained_on: Path) -> None:
    """Compare a split with the one that training wrote down.

    Raises:
        CorpusError: if an image that training saw is now among the queries or in the gallery.
    """
    if not trained_on.is_file():
        return
    before = Manifest.read(trained_on)
    seen = set(before.of(splits=("train", "validation")).column("content_hash"))
    unseen = split.of(splits=("gallery", "query"))
    rows = zip(unseen.column("uri"), unseen.column("content_hash"), strict=True)
    leaked = [uri for uri, content in rows if content in seen]
    if leaked:
        raise CorpusError(
            f"{len(leaked)} images that this model was trained on would be evaluated, such as "
            f"{leaked[0]}: the corpus has changed since; evaluate on the corpus of {trained_on}"
        )


def compare(artefact: Artefact, split: Manifest, *, cache_root: str, limits: DecodeLimits) -> Fold:
    """Return the vectors of the items that no stage has seen, unaligned and aligned.

    The unaligned ones are the tower's last-token vectors, without its adapter if it has one.
    """
    unseen = split.of(splits=("gallery", "query"))
    adapted = artefact.recipe.reads_adapter(artefact.recipe.vector["image"])
    filled = {
        adapter: fill_image_vectors(
            unseen,
            model=artefact.folder,
            cache_root=cache_root,
            limits=limits,
            options=EncodeOptions(),
            adapter=adapter,
        )
        for adapter in {False, adapted}
    }
    rejected = {key for outcome in filled.values() for key in outcome.rejected}
    bad = [key in rejected for key in unseen.column("content_hash")]
    kept = unseen.where(~np.array(bad, dtype=bool))
    keys = list(kept.column("content_hash"))
    h_ND = {adapter: outcome.cache.get(keys) for adapter, outcome in filled.items()}
    aligner = artefact.aligner()
    return Fold(
        held_out=" and ".join(split.of(splits=("query",)).domains),
        before=Embedded(manifest=kept, z_ND=aligner.unaligned(h_ND[False])),
        after=Embedded(manifest=kept, z_ND=aligner.align_vectors(h_ND[adapted])),
    )


def fold_rows(fold: Fold, *, seed: int, model: str, protocol: str = "udcdr") -> list[Row]:
    """Return one row a metric for the unaligned and the aligned vectors."""
    rows = []
    for name, embedded in ((BASELINE, fold.before), (model, fold.after)):
        values, n_queries, n_gallery = _scores(embedded, protocol)
        rows += [
            Row(
                held_out=fold.held_out,
                seed=seed,
                model=name,
                metric=metric,
                value=value,
                protocol=f"{protocol}-clean",
                n_queries=n_queries,
                n_gallery=n_gallery,
            )
            for metric, value in values.items()
        ]
    return rows


def _scores(embedded: Embedded, protocol: str) -> tuple[dict[str, float], int, int]:
    if protocol == "udcdr":
        scores = udcdr(embedded)
        return scores.values, scores.n_queries, scores.n_gallery
    matrix = source_target_matrix(embedded)
    values = {
        f"mAP@all {source}→{target}": float(matrix.map_KK[i, j])
        for i, source in enumerate(matrix.domains)
        for j, target in enumerate(matrix.domains)
    }
    values["largest asymmetry"] = float(matrix.asymmetry_KK.max())
    return values, len(embedded.manifest), len(embedded.manifest)
