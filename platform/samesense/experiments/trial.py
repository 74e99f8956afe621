"""One training run of an ablation, and what came of it."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from samesense.core.errors import ConfigError
from samesense.core.options import Options
from samesense.core.storage import write_text_atomically
from samesense.corpus.manifest import Manifest
from samesense.corpus.splits import leave_domains_out
from samesense.evaluation.protocols.domain_probe import domain_probe
from samesense.evaluation.rated import rate
from samesense.evaluation.report.report import Fold
from samesense.evaluation.results import BASELINE, Row
from samesense.experiments.evaluation import compare
from samesense.experiments.training import train_on
from samesense.training.alone import run_stage_alone
from samesense.training.options import TrainJob

OUTCOME = "outcome.json"
PROBE = "domain probe"


class Outcome(Options):
    """The numbers of a finished run."""

    rows: tuple[Row, ...]
    """Unaligned and aligned, on the held-out domain."""
    trained_parameters: int
    """How many numbers the stages trained."""
    seconds: float
    """Wall-clock time of all stages."""


@dataclass(frozen=True)
class Trial:
    """A variant, trained without one domain, with one seed."""

    variant: str
    job: TrainJob

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.variant}, {self.job.corpus.held_out[0]} held out, seed {self.job.seed}"

    def split(self, manifest: Manifest) -> Manifest:
        """Return a corpus with this run's split."""
        corpus = self.job.corpus
        return leave_domains_out(
            manifest, held_out=corpus.held_out, seed=self.job.seed, shares=corpus.shares
        )

    def outcome(self) -> Outcome | None:
        """Return what came of it, or None while it is not finished.

        Raises:
            ConfigError: if the file holds anything else.
        """
        path = Path(self.job.out) / OUTCOME
        try:
            return Outcome.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            raise ConfigError(f"{path}: is no outcome of a run; --fresh starts over") from None

    def run(self, manifest: Manifest) -> None:
        """Go on with the run where it stopped, measure its model, and write the outcome.

        Ray must be running.

        Raises:
            SamesenseError: what has been found wrong.
        """
        split, job = self.split(manifest), self.job
        trained = train_on(job, split, start="resume", run_stage=run_stage_alone)
        fold = compare(trained.artefact, split, cache_root=job.cache, limits=job.corpus.limits)
        rows = [
            *rate(fold, seed=job.seed, model=self.variant).rows(),
            *_probe_rows(fold, seed=job.seed, model=self.variant),
        ]
        outcome = Outcome(
            rows=tuple(rows),
            trained_parameters=trained.trained_parameters,
            seconds=trained.seconds,
        )
        write_text_atomically(Path(job.out) / OUTCOME, outcome.model_dump_json(indent=1) + "\n")


def _probe_rows(fold: Fold, *, seed: int, model: str) -> list[Row]:
    rows = []
    for name, embedded in ((BASELINE, fold.before), (model, fold.after)):
        score = domain_probe(embedded)
        rows.append(
            Row(
                held_out=fold.held_out,
                seed=seed,
                model=name,
                metric=PROBE,
                value=score.accuracy,
                protocol="domain-probe",
                n_queries=score.n_test,
                n_gallery=score.n_train,
            )
        )
    return rows
