"""Which of the runs that are evaluated are one model, trained with several seeds or without
several domains.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from samesense.artefact.folder import MODEL_FOLDER, Artefact
from samesense.core.errors import ConfigError
from samesense.core.hashing import hash_json
from samesense.core.options import flat
from samesense.training.options import TrainJob
from samesense.training.record import MAY_DIFFER

Part = tuple[tuple[str, ...], int]
"""The domains that a run was trained without, and its seed."""
OF_THE_PART = r"seed|corpus\.split|corpus\.held_out(\.\d+)?"
"""The keys of a job that say it."""


@dataclass(frozen=True)
class Study:
    """One model: a recipe and its data, trained for several parts or for one."""

    name: str
    artefacts: Mapping[Part, Artefact]


def studies_of(artefacts: Sequence[Artefact]) -> list[Study]:
    """Return the models, in order; runs that differ in nothing but seed and held-out domains are
    one.

    Runs alike in these too stay apart, as two models.

    Raises:
        ConfigError: if models were not trained for the same parts.
    """
    groups: list[tuple[str, dict[Part, Artefact]]] = []
    for artefact in artefacts:
        job = trained_by(artefact)
        part, model = (job.corpus.held_out, job.seed), _but_for_the_part(job)
        fitting = [group for of, group in groups if of == model and part not in group]
        group = fitting[0] if fitting else {}
        if not fitting:
            groups.append((model, group))
        group[part] = artefact
    names = told_apart([list(group.values()) for _, group in groups])
    studies = [Study(name, group) for name, (_, group) in zip(names, groups, strict=True)]
    for other in studies[1:]:
        _check_same_parts(studies[0], other)
    return studies


def trained_by(artefact: Artefact) -> TrainJob:
    """Return the job that made a model."""
    return TrainJob.model_validate(artefact.record.provenance["config"])


def told_apart(models: Sequence[Sequence[Artefact]]) -> list[str]:
    """Return a name for the runs of each model: what tells all models apart, of their recipe's
    name, the folder that holds all their runs, and the folder of their first."""
    recipes = [runs[0].recipe.name for runs in models]
    folders = [[str(_run_of(artefact)) for artefact in runs] for runs in models]
    shared = [os.path.commonpath(of_model) for of_model in folders]
    for names in (recipes, shared):
        if len(set(names)) == len(names):
            return names
    return [of_model[0] for of_model in folders]


def _run_of(artefact: Artefact) -> Path:
    return artefact.folder.parent if artefact.folder.name == MODEL_FOLDER else artefact.folder


def _but_for_the_part(job: TrainJob) -> str:
    kept = {
        key: value
        for key, value in flat(job.model_dump(mode="json")).items()
        if not (re.fullmatch(OF_THE_PART, key) or key.startswith(MAY_DIFFER))
    }
    return hash_json(kept)


def _check_same_parts(first: Study, other: Study) -> None:
    if set(first.artefacts) != set(other.artefacts):
        raise ConfigError(
            f"model {first.name} was trained {_told(first)}, model {other.name} {_told(other)}: "
            "what is held out and the seed decide which images are unseen, so these are not asked "
            "the same; give runs that agree in both, or evaluate each model for itself"
        )


def _told(study: Study) -> str:
    return "; ".join(
        f"without {' and '.join(held_out)} by seed {seed}"
        for held_out, seed in sorted(study.artefacts)
    )
