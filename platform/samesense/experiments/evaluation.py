"""An evaluation as the doors run it: the training's own split, tower vectors, before and after.

Shapes: N items, D width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samesense.artefact.folder import Artefact, load_artefact
from samesense.bulk.fill import fill_image_vectors
from samesense.bulk.options import EncodeOptions
from samesense.core.errors import ArtefactError, ConfigError, CorpusError
from samesense.corpus.decode import DecodeLimits
from samesense.corpus.manifest import Manifest
from samesense.corpus.published import without_copies
from samesense.corpus.split_file import SPLIT_FILE, SplitFile
from samesense.corpus.splits import ASKED, SPLITS_FILE, leave_domains_out
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.measured import Measured
from samesense.evaluation.options import EvaluateJob
from samesense.evaluation.protocols.asked import asked
from samesense.evaluation.protocols.uccdr import by_query_domain
from samesense.evaluation.rated import Rated, rate
from samesense.evaluation.report.report import Fold
from samesense.evaluation.results import Row
from samesense.experiments.blocks import on_workers
from samesense.experiments.studies import Part, Study, trained_by
from samesense.training.driver import START
from samesense.training.options import TrainJob

UNSEEN = ("gallery", "query")
LEARNED_FROM = ("train", "validation", *UNSEEN)


def split_of_all(
    artefacts: Sequence[Artefact], manifest: Manifest, *, job: EvaluateJob
) -> Manifest:
    """Split a corpus as the training of every one of these models did.

    Raises:
        ConfigError: if they were trained on different splits.
        ArtefactError: if the run that made a model is not whole.
        CorpusError: if the corpus holds images that a model was trained on where it must not, or
            none that the protocol asks.
    """
    split, *others = (split_as_trained(one, manifest, job=job) for one in artefacts)
    for artefact, other in zip(artefacts[1:], others, strict=True):
        if list(other.column("split")) != list(split.column("split")):
            raise ConfigError(
                f"{artefacts[0].folder} and {artefact.folder} were trained on different splits "
                "(held-out domains, seed or shares), so no images are unseen and asked of both "
                "alike; train them with the same, or evaluate each for itself"
            )
    _asked(split, job)  # tells before anything is started that there is nothing to ask
    return split


def _asked(split: Manifest, job: EvaluateJob) -> Manifest:
    return asked(split, protocol=job.protocol, variant=job.variant, gallery=job.gallery)


def split_as_trained(artefact: Artefact, manifest: Manifest, *, job: EvaluateJob) -> Manifest:
    """Split a corpus as the model's training did.

    Raises:
        ArtefactError: if the run that made the model is not whole.
        ConfigError: if the official variant is asked for, and the split is not a published one.
        CorpusError: if the corpus holds images that the model was trained on where it must not; of
            the official variant, whose gallery is such, if it is not the one of the split.
    """
    asked_for, run = trained_by(artefact), artefact.folder.parent
    shared = None if asked_for.corpus.split is None else SplitFile.read(run / SPLIT_FILE)
    if job.variant == "official":
        _refuse_unpublished(shared, run=run)
    if shared is not None:
        split = shared.apply(manifest, corpus=job.corpus)
        split = without_copies(split) if job.variant == "clean" else split
    else:
        split = leave_domains_out(
            manifest,
            held_out=asked_for.corpus.held_out,
            seed=asked_for.seed,
            shares=asked_for.corpus.shares,
            held_out_classes=asked_for.corpus.held_out_classes,
        )
    if job.variant == "clean":
        refuse_leaks(split, trained_on=run / SPLITS_FILE)
    return split


def _refuse_unpublished(shared: SplitFile | None, *, run: Path) -> None:
    if shared is None or shared.head.rule != "official":
        raise ConfigError(
            f"--variant official: {run} was not trained on a published split; make one with "
            "`samesense corpus split --rule official`, and train with it as corpus.split"
        )


def splits_of(
    studies: Sequence[Study], manifest: Manifest, *, job: EvaluateJob
) -> dict[Part, Manifest]:
    """Split a corpus as the trainings did, for each part.

    Raises:
        SamesenseError: as ``split_of_all``.
    """
    return {
        part: split_of_all([study.artefacts[part] for study in studies], manifest, job=job)
        for part in studies[0].artefacts
    }


@dataclass(frozen=True)
class Evaluated:
    """What a protocol gives for some models."""

    studies: Sequence[Study]
    of_part: Mapping[Part, list[Measured]]
    """What each split measured, of all models."""
    folds: list[Fold]
    """Of the first seed of every held-out domain."""

    @property
    def measured(self) -> list[Measured]:
        """What all splits measured."""
        return [one for of_part in self.of_part.values() for one in of_part]

    @property
    def rows(self) -> list[Row]:
        """The numbers alone, of every run."""
        return [one.row for one in self.measured]


def run_evaluation(
    job: EvaluateJob, *, studies: Sequence[Study], splits: Mapping[Part, Manifest]
) -> Evaluated:
    """Measure each model and its unaligned backbone by a protocol, and how every other model
    differs from the first.

    Ray must be running.
    """
    of_part: dict[Part, list[Measured]] = {}
    folds: dict[tuple[str, str], Fold] = {}
    for part, split in splits.items():
        first: Rated | None = None
        looked_at = _asked(split, job)
        measured = of_part.setdefault(part, [])
        for study in studies:
            artefact = study.artefacts[part]
            fold = compare(
                artefact,
                looked_at,
                cache_root=job.cache,
                limits=job.limits,
                splits=LEARNED_FROM if job.protocol == "dg" else UNSEEN,
            )
            fold = replace(fold, held_out=_held_out(trained_by(artefact), split))
            rated = rate(
                fold,
                seed=part[1],
                model=study.name,
                protocol=job.protocol,
                measure=job.measure,
                each=on_workers,
            )
            measured += rated.measured() if first is None else rated.measured_beside(first)
            first = first or rated
            for shown in _as_asked(fold, job):
                name = shown.held_out if len(studies) == 1 else f"{shown.held_out}, {study.name}"
                folds.setdefault((shown.held_out, study.name), replace(shown, held_out=name))
    return Evaluated(studies, of_part, list(folds.values()))


def _as_asked(fold: Fold, job: EvaluateJob) -> list[Fold]:
    """Return a fold as its queries are asked: of UcCDR each domain's in the others."""
    if job.protocol != "uccdr":
        return [fold]
    before, after = by_query_domain(fold.before), by_query_domain(fold.after)
    return [
        Fold(f"{fold.held_out}, asked in {domain}", before[domain], after[domain])
        for domain in after
    ]


def _held_out(trained: TrainJob, split: Manifest) -> str:
    """Return the held-out domains in words; where there are none, how many classes."""
    unseen = split.where(_is(split, ("gallery_unseen",))).labels
    return " and ".join(sorted(trained.corpus.held_out)) or f"{len(unseen)} classes"


def _is(split: Manifest, words: Sequence[str]) -> NDArray[np.bool_]:
    found_N: NDArray[np.bool_] = np.isin(split.column("split").astype(str), list(words))
    return found_N


def refuse_leaks(split: Manifest, *, trained_on: Path) -> None:
    """Compare a split with the one that training wrote down.

    Raises:
        ArtefactError: if what training wrote down is not there.
        CorpusError: if an image that training saw is now among the queries or in the gallery.
    """
    if not trained_on.is_file():
        raise ArtefactError(
            f"{trained_on}: is missing, and without it nobody can tell which images this model was "
            "trained on; evaluate a model in the folder of its training run"
        )
    before = Manifest.read(trained_on)
    seen = set(before.where(_is(before, LEARNED_FROM[:2])).column("content_hash"))
    unseen = split.where(_is(split, ASKED))
    rows = zip(unseen.column("uri"), unseen.column("content_hash"), strict=True)
    leaked = [uri for uri, content in rows if content in seen]
    if leaked:
        raise CorpusError(
            f"{len(leaked)} images that this model was trained on would be evaluated, such as "
            f"{leaked[0]}: the corpus has changed since; evaluate on the corpus of {trained_on}"
        )


def compare(
    artefact: Artefact,
    split: Manifest,
    *,
    cache_root: str,
    limits: DecodeLimits,
    splits: Sequence[str] = UNSEEN,
) -> Fold:
    """Return the vectors of items unaligned and aligned, by default of those that no stage has
    seen.

    The unaligned are the last-token vectors of the tower as it was before training, without its
    adapter if it has one.

    Raises:
        ArtefactError: if training changed the tower and the model before it is not there.
    """
    items = split.where(_is(split, splits))
    adapted = artefact.recipe.reads_adapter(artefact.recipe.vector["image"])
    before, after = (
        fill_image_vectors(
            items,
            model=model.folder,
            cache_root=cache_root,
            limits=limits,
            options=EncodeOptions(),
            adapter=adapter,
        )
        for model, adapter in ((_untrained(artefact), False), (artefact, adapted))
    )
    rejected = before.rejected | after.rejected
    bad = [key in rejected for key in items.column("content_hash")]
    kept = items.where(~np.array(bad, dtype=bool))
    keys = list(kept.column("content_hash"))
    aligner = artefact.aligner()
    return Fold(
        held_out=" and ".join(split.where(_is(split, ("query",))).domains),
        before=Embedded(manifest=kept, z_ND=aligner.unaligned(before.cache.get(keys))),
        after=Embedded(manifest=kept, z_ND=aligner.align_vectors(after.cache.get(keys))),
    )


def _untrained(artefact: Artefact) -> Artefact:
    """Return the artefact whose tower is the one that training started from."""
    if not artefact.holds_towers:
        return artefact
    start = artefact.folder.parent / START
    if not start.is_dir():
        raise ArtefactError(
            f"{start}: is missing, and training changed the tower itself: without the model as it "
            "was before, there is nothing to compare with; bring the folder back, or train again"
        )
    return load_artefact(start)
