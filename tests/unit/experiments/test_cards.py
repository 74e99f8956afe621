"""What an evaluation writes into a model's card, and what it leaves alone."""

from pathlib import Path

import numpy as np
import pytest

from samesense.artefact.folder import CARD, Artefact, load_artefact
from samesense.corpus.manifest import Manifest
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.options import EvaluateJob
from samesense.evaluation.rated import rate
from samesense.evaluation.report.report import Fold
from samesense.experiments.cards import write_cards
from samesense.experiments.evaluation import Evaluated
from samesense.experiments.studies import Study
from tests.fixtures.trained_models import write_model

SEEDS = (0, 1)


def fold(seed: int) -> Fold:
    """Two concepts that the aligned vectors tell apart a little better with each seed."""
    rows = [
        {"id": str(i), "uri": str(i), "domain": domain, "label": "ab"[i % 2]}
        | {"content_hash": str(i), "split": "query" if domain == "sketch" else "gallery"}
        for i, domain in enumerate(["sketch"] * 40 + ["photo"] * 40)
    ]
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((80, 4)).astype(np.float32)
    concept = np.eye(4, dtype=np.float32)[np.arange(80) % 2]
    after = noise + (3 + seed) * concept
    manifest = Manifest.from_rows(rows)
    return Fold("sketch", Embedded(manifest, noise), Embedded(manifest, after))


@pytest.fixture
def evaluated(tmp_path: Path) -> Evaluated:
    artefacts: dict[tuple[tuple[str, ...], int], Artefact] = {
        (("sketch",), seed): write_model(
            tmp_path / f"seed{seed}" / "model", backbone=tmp_path / "backbone", seed=seed
        )
        for seed in SEEDS
    }
    of_part = {
        part: rate(fold(part[1]), seed=part[1], model="alignment").measured() for part in artefacts
    }
    return Evaluated([Study("alignment", artefacts)], of_part, [fold(0)])


def job(tmp_path: Path) -> EvaluateJob:
    return EvaluateJob(models=(str(tmp_path / "seed0"),), corpus="photos")


def test_a_card_tells_its_own_run_and_the_mean_over_seeds(
    tmp_path: Path, evaluated: Evaluated
) -> None:
    manifest = fold(0).after.manifest
    cards = write_cards(job(tmp_path), evaluated, manifest=manifest)
    assert cards == [tmp_path / f"seed{seed}" / "model" / CARD for seed in SEEDS]
    for seed, card in zip(SEEDS, cards, strict=True):
        text = card.read_text()
        rows = {
            (row.model, row.metric): row
            for row in (one.row for one in evaluated.of_part[("sketch",), seed])
        }
        before, after = rows["identity", "mAP@200"], rows["alignment", "mAP@200"]
        (line,) = [line for line in text.splitlines() if line.startswith("| mAP@200 ")]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells == [
            "mAP@200",
            f"{before.value:.3f}",
            f"[{before.low:.3f}, {before.high:.3f}]",
            f"{after.value:.3f}",
            f"[{after.low:.3f}, {after.high:.3f}]",
            f"{after.value - before.value:+.3f}",
            f"{after.p_value:.4f} *",
        ]
        assert f"- seed: {seed}\n" in text
        assert f"- manifest hash: {manifest.hash}\n" in text
        assert "- queries / gallery: 40 / 40\n" in text
    values = [
        one.row.value
        for one in evaluated.measured
        if (one.row.model, one.row.metric) == ("alignment", "mAP@200")
    ]
    mean, std = np.mean(values), np.std(values, ddof=1)
    assert f"- mAP@200: {mean:.3f} ± {std:.3f}, gain " in cards[0].read_text()


def test_nothing_that_shapes_a_vector_changes(tmp_path: Path, evaluated: Evaluated) -> None:
    folder = tmp_path / "seed0" / "model"
    others = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != CARD}
    before = load_artefact(folder)
    for _ in range(2):
        write_cards(job(tmp_path), evaluated, manifest=fold(0).after.manifest)
    assert {p: p.read_bytes() for p in others} == others
    assert load_artefact(folder).record == before.record
    assert load_artefact(folder).encoder().fingerprint == before.record.fingerprint
    assert (folder / CARD).read_text().count("## Evaluation by") == 1


def test_a_card_that_is_gone_is_written_again(tmp_path: Path, evaluated: Evaluated) -> None:
    card = tmp_path / "seed0" / "model" / CARD
    card.unlink()
    write_cards(job(tmp_path), evaluated, manifest=fold(0).after.manifest)
    assert card.read_text().startswith("# alignment\n")
    assert "## Evaluation by udcdr-clean, held out: sketch" in card.read_text()


def test_a_matrix_is_too_long_for_a_card(tmp_path: Path, evaluated: Evaluated) -> None:
    matrix = job(tmp_path).model_copy(update={"protocol": "matrix"})
    assert write_cards(matrix, evaluated, manifest=fold(0).after.manifest) == []
