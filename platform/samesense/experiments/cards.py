"""What an evaluation found, told in the card of each model that it evaluated."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from samesense.artefact.folder import Artefact
from samesense.artefact.provenance import provenance
from samesense.corpus.manifest import Manifest
from samesense.evaluation.card_section import card_section
from samesense.evaluation.findings import findings
from samesense.evaluation.measured import Measured
from samesense.evaluation.options import EvaluateJob
from samesense.evaluation.results import BASELINE, BASELINE_OF
from samesense.experiments.evaluation import Evaluated
from samesense.experiments.studies import Part

TOO_LONG = ("matrix",)
"""Protocols whose numbers are too many for a card."""


def write_cards(job: EvaluateJob, evaluated: Evaluated, *, manifest: Manifest) -> list[Path]:
    """Put a section on this protocol into every model's card, and return the cards.

    Of a protocol of many numbers no card tells.

    Raises:
        WriteError: if a card cannot be written.
    """
    if job.protocol in TOO_LONG:
        return []
    return [
        artefact.tell_in_card(
            name=f"evaluation {job.measure}",
            section=_section(job, evaluated, name, part, manifest),
        )
        for name, part, artefact in _runs(evaluated)
    ]


def _runs(evaluated: Evaluated) -> Iterator[tuple[str, Part, Artefact]]:
    for study in evaluated.studies:
        for part, artefact in study.artefacts.items():
            yield study.name, part, artefact


def _section(
    job: EvaluateJob, evaluated: Evaluated, name: str, part: Part, manifest: Manifest
) -> str:
    measured = evaluated.of_part[part]
    own_backbone = BASELINE_OF.format(model=name)
    backbone = own_backbone if own_backbone in {one.row.model for one in measured} else BASELINE
    before, after = (_of_model(measured, model) for model in (backbone, name))
    row = after[0].row
    everywhere = [one for one in evaluated.measured if one.row.held_out == row.held_out]
    made = provenance(seed=row.seed, config={}, corpus={})
    return card_section(
        findings(before),
        findings(after),
        over_seeds=findings(_of_model(everywhere, name)),
        facts={
            "corpus": job.corpus,
            "manifest hash": manifest.hash,
            "seed": str(row.seed),
            "queries / gallery": f"{row.n_queries:,} / {row.n_gallery:,}",
            "measured": f"{made['made']}, samesense {made['versions']['samesense']}",
        },
    )


def _of_model(measured: Sequence[Measured], model: str) -> list[Measured]:
    return [one for one in measured if one.row.model == model]
