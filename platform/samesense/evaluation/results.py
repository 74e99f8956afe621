"""Results as rows, and what they say over seeds and domains."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from samesense.core.errors import ConfigError
from samesense.core.storage import write_text_atomically

BASELINE = "identity"
BASELINE_OF = f"{BASELINE} of {{model}}"
"""The name of a model's own backbone, where another model has another."""
MEAN = "mean"
DIFFERENCE = " over "
OVER = f"{{metric}}{DIFFERENCE}{{other}}"
"""The metric's name of one model's difference from another."""
SHOWN = ("mAP@200", "Prec@200")
OF_CLASSIFIERS = ("accuracy, prototypes", "accuracy, linear probe")


@dataclass(frozen=True)
class Row:
    """One number."""

    held_out: str
    seed: int
    model: str
    """``identity`` for the unaligned backbone, else the alignment's name."""
    metric: str
    value: float
    protocol: str
    n_queries: int
    n_gallery: int
    low: float | None = None
    high: float | None = None
    """Bounds of the 95 % bootstrap interval over queries, where the value is their mean."""
    p_value: float | None = None
    """How often chance parts the value as far from the unaligned one, over the same queries."""


@dataclass(frozen=True)
class Summary:
    """Mean and sample standard deviation over seeds (0 for one seed)."""

    mean: float
    std: float
    seeds: int


@dataclass(frozen=True)
class Gain:
    """One model minus another, paired by seed, of the mean over held-out domains."""

    mean: float
    std: float
    seeds: int
    beyond_spread: bool
    """Whether over 2 or more seeds the size of the gain exceeds its own spread and the model's."""


def write_results(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows as a JSON list of objects."""
    write_text_atomically(path, json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def read_results(path: Path) -> list[Row]:
    """Read what ``write_results`` wrote.

    Raises:
        ConfigError: if the file holds anything else.
    """
    try:
        return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path}: is no file of results: {error}; choose another") from None


def summarise(rows: Iterable[Row]) -> dict[tuple[str, str, str], Summary]:
    """Return (held_out, model, metric) → mean ± std over seeds.

    Under held_out ``mean`` stands the mean over domains: taken for each seed, then summarised.
    """
    by_cell: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        by_cell[row.held_out, row.model, row.metric].append(row.value)
    for (model, metric), per_seed in _domain_means(rows).items():
        by_cell[MEAN, model, metric] = list(per_seed.values())
    return {cell: summary_of(values) for cell, values in by_cell.items()}


def gain(rows: Sequence[Row], *, model: str, metric: str, over: str = BASELINE) -> Gain:
    """Return what a model gains over another, by default the unaligned backbone, in the mean over
    domains."""
    means = _domain_means(rows)
    after, before = means[model, metric], means[over, metric]
    paired = summary_of([after[seed] - before[seed] for seed in after])
    spread = max(paired.std, summary_of(list(after.values())).std)
    beyond = paired.seeds > 1 and abs(paired.mean) > spread
    return Gain(paired.mean, paired.std, paired.seeds, beyond)


def aligned_models(rows: Iterable[Row]) -> list[str]:
    """Return the names of the models that are not the baseline, in order of appearance."""
    return list(dict.fromkeys(row.model for row in rows if row.model != BASELINE))


def shown_metrics(found: Iterable[str]) -> list[str]:
    """Return the metrics that stand for all that were found, the first for the others too: of a
    search or of classifiers; nothing of what has no such."""
    there = set(found)
    return [metric for metric in (*SHOWN, *OF_CLASSIFIERS) if metric in there]


def results_table(rows: Sequence[Row]) -> str:
    """Return a plain-text table: unaligned against aligned, a line for each held-out domain."""
    rows = [row for row in rows if DIFFERENCE not in row.metric]
    table = summarise(rows)
    metrics = shown_metrics(row.metric for row in rows) or sorted({row.metric for row in rows})
    domains = [*dict.fromkeys(row.held_out for row in rows), MEAN]
    lines = []
    for model in aligned_models(rows):
        header = "".join(f"{f'{m} unaligned':>20}{model:>18}{'gain':>9}" for m in metrics)
        lines.append(f"{'held out':<16}{header}")
        for domain in domains:
            cells = ""
            for metric in metrics:
                before, after = table[domain, BASELINE, metric], table[domain, model, metric]
                cells += f"{told(before):>20}{told(after):>18}{after.mean - before.mean:>+9.3f}"
            lines.append(f"{domain:<16}{cells}")
    return "\n".join(lines)


def summary_of(values: Sequence[float]) -> Summary:
    """Return the mean and the sample standard deviation of one value a seed."""
    std = statistics.stdev(values) if len(values) > 1 else 0.0
    return Summary(mean=statistics.fmean(values), std=std, seeds=len(values))


def told(summary: Summary) -> str:
    """Return a mean and, of several seeds, its spread."""
    spread = f" ± {summary.std:.3f}" if summary.seeds > 1 else ""
    return f"{summary.mean:.3f}{spread}"


def _domain_means(rows: Iterable[Row]) -> dict[tuple[str, str], dict[int, float]]:
    values: defaultdict[tuple[str, str], defaultdict[int, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        values[row.model, row.metric][row.seed].append(row.value)
    return {
        cell: {seed: statistics.fmean(per_domain) for seed, per_domain in per_seed.items()}
        for cell, per_seed in values.items()
    }
