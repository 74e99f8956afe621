"""The report's page and the grid of hits."""

import csv
import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samesense.corpus.manifest import Manifest
from samesense.corpus.scan import scan
from samesense.evaluation.ablation import Ablation
from samesense.evaluation.embedded import Embedded
from samesense.evaluation.findings import Finding, findings
from samesense.evaluation.protocols.gap import domain_gap
from samesense.evaluation.protocols.matrix import source_target_matrix
from samesense.evaluation.rated import rate
from samesense.evaluation.report.certainty import certainty_table
from samesense.evaluation.report.grid import COLUMNS, TILE_PX, draw_grid
from samesense.evaluation.report.page import WITHHELD, write_page
from samesense.evaluation.report.report import Fold, Report
from samesense.evaluation.results import Row, Summary
from tests.fixtures.corpora import write_patterns

ODD = '<b>&"x'


def rows(seeds: Sequence[int]) -> list[Row]:
    return [
        Row(
            held_out=ODD,
            seed=seed,
            model=model,
            metric=metric,
            value=value + seed / 100,
            protocol="udcdr-clean",
            n_queries=12,
            n_gallery=34,
        )
        for seed in seeds
        for model, value in (("identity", 0.25), ("alignment", 0.5))
        for metric in ("mAP@200", "Prec@200", "Prec@200 ceiling")
    ]


@pytest.fixture
def fold(tmp_path: Path) -> Fold:
    folder = write_patterns(tmp_path / "images", concepts=3, domains=2, each=4)
    table = scan(str(folder)).manifest.table.to_pylist()
    manifest = Manifest.from_rows(
        [
            row
            | {"split": "query" if row["domain"] == "domain0" else "gallery"}
            | {"domain": ODD if row["domain"] == "domain0" else row["domain"]}
            for row in table
        ]
    )
    z = np.random.default_rng(0).normal(size=(len(manifest), 8)).astype(np.float32)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    return Fold(held_out=ODD, before=Embedded(manifest, z), after=Embedded(manifest, z[::-1]))


def page(tmp_path: Path, fold: Fold, seeds: Sequence[int], *, images: bool = True) -> str:
    path = tmp_path / "report.html"
    report = Report(
        title=f"Search {ODD}",
        rows=rows(seeds),
        folds=[fold],
        cost={"seconds": "12"},
        provenance={"corpus": ODD},
    )
    write_page(path, report=report, images=images)
    return path.read_text()


def test_the_page_tells_the_numbers_and_stands_alone(tmp_path: Path, fold: Fold) -> None:
    html = page(tmp_path, fold, seeds=[0])
    for number in ("0.250", "0.500", "+0.250", "12 / 34"):
        assert number in html
    assert "One seed was run" in html
    sources = re.findall(r'src="([^"]*)"', html)
    assert len(sources) > 40
    assert all(source.startswith("data:image/") for source in sources)
    places = re.findall(r'href="([^"]*)"', html)
    assert places == ["#scores", "#fold-0", "#cost"]
    assert all(place[0] == "#" and f'id="{place[1:]}"' in html for place in places)
    assert "<script" not in html
    assert "@import" not in html


def test_a_page_without_images_says_so_and_holds_none(tmp_path: Path, fold: Fold) -> None:
    html = page(tmp_path, fold, seeds=[0], images=False)
    assert "images themselves are left out" in html
    assert "data:image/jpeg" not in html
    withheld = re.compile(r' src="data:image/svg\+xml,[^"]*"')
    shown = re.compile(r' src="data:image/jpeg[^"]*"')
    assert len(withheld.findall(html)) > 40
    there = shown.sub("", page(tmp_path, fold, seeds=[0])).replace("\n", " ")
    assert withheld.sub("", html).replace(f" {WITHHELD}", "").replace("\n", " ") == there


def test_every_picture_has_words_and_every_heading_its_level(tmp_path: Path, fold: Fold) -> None:
    html = page(tmp_path, fold, seeds=[0])
    pictures = re.findall(r"<img [^>]*>", html)
    assert all(re.search(r'alt="[^"]{8,}"', picture) for picture in pictures)
    levels = [int(level) for level in re.findall(r"<h(\d)", html)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert '<html lang="en">' in html


def test_the_numbers_lie_beside_the_page(tmp_path: Path, fold: Fold) -> None:
    html = page(tmp_path, fold, seeds=[0, 1])
    told = json.loads((tmp_path / "report.json").read_text())
    assert [Row(**row) for row in told["rows"]] == rows([0, 1])
    assert all(escape(sentence) in html for sentence in told["summary"])
    (shown,) = told["folds"]
    wrong = shown["aligned"]["wrong_first_answers"]
    assert f"{wrong} of {shown['n_queries']} queries" in html
    assert sum(shown["aligned"]["reasons"].values()) == wrong
    assert np.allclose(shown["aligned"]["map_at_all"], source_target_matrix(fold.after).map_KK)
    with (tmp_path / "report.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [float(line["value"]) for line in lines] == [row.value for row in rows([0, 1])]
    assert {line["held_out"] for line in lines} == {ODD}
    assert {line["p_value"] for line in lines} == {""}


def test_the_widest_asymmetry_is_told_in_words(tmp_path: Path, fold: Fold) -> None:
    html = page(tmp_path, fold, seeds=[0])
    matrix = source_target_matrix(fold.after)
    i, j = np.unravel_index((matrix.map_KK - matrix.map_KK.T).argmax(), (2, 2))
    words = f"{matrix.domains[i]} → {matrix.domains[j]} {matrix.map_KK[i, j]:.2f}"
    assert f"aligned: this direction minus the other. Widest: {escape(words)}" in html


def test_findings_and_ablations_have_their_tables(tmp_path: Path, fold: Fold) -> None:
    measured = [one for seed in (0, 1) for one in rate(fold, seed=seed, model="gated").measured()]
    made = [replace(row, model="usual") if row.model == "alignment" else row for row in rows([0])]
    made += [Row(ODD, 0, model, "domain probe", 0.5, "p", 1, 1) for model in ("identity", "usual")]
    report = Report(
        title="All",
        rows=[one.row for one in measured],
        folds=[fold],
        cost={},
        provenance={},
        findings=findings(measured),
        ablations=[Ablation("structure", "usual", {"usual": 1234}, {"usual": made})],
    )
    write_page(tmp_path / "report.html", report=report)
    html = (tmp_path / "report.html").read_text()
    (finding,) = [f for f in findings(measured) if (f.model, f.metric) == ("gated", "mAP@200")]
    assert f"[{finding.low:.3f}, {finding.high:.3f}]" in html
    assert f"{finding.p_value:.4f}" in html
    assert "<h3>structure</h3>" in html
    assert "<td>1,234</td>" in html


def test_the_page_tells_what_is_left_between_the_domains(tmp_path: Path, fold: Fold) -> None:
    html = page(tmp_path, fold, seeds=[0])
    (mixing,) = re.findall(r"neighbour mixing</th><td[^>]*>([\d.]+)</td><td>([\d.]+)", html)
    expected = [domain_gap(part).values["neighbour mixing"] for part in (fold.before, fold.after)]
    assert [float(value) for value in mixing] == pytest.approx(expected, abs=1e-3)


def test_of_a_single_image_no_gap_is_told(tmp_path: Path, fold: Fold) -> None:
    keep = np.arange(len(fold.before.z_ND)) <= (fold.before.manifest.column("domain") == ODD).sum()
    lonely = Embedded(fold.before.manifest.where(keep), fold.before.z_ND[keep])
    html = page(tmp_path, Fold(ODD, before=lonely, after=lonely), seeds=[0])
    assert "Not measured: domain &#x27;domain1&#x27; has one unseen image" in html


def test_several_seeds_show_their_spread(tmp_path: Path, fold: Fold) -> None:
    html = page(tmp_path, fold, seeds=[0, 1, 2])
    assert "0.510 ± 0.010" in html
    assert "Over 3 seeds that is beyond the spread" in html


def test_names_from_a_corpus_cannot_write_html(tmp_path: Path, fold: Fold) -> None:
    html = page(tmp_path, fold, seeds=[0])
    assert ODD not in html
    assert "&lt;b&gt;&amp;" in html


def test_a_metric_without_a_ceiling_has_no_column_for_it(tmp_path: Path, fold: Fold) -> None:
    html = page(tmp_path, fold, seeds=[0])
    assert html.count("<th>ceiling</th>") == 1


def test_a_picture_that_is_gone_leaves_a_tile(tmp_path: Path, fold: Fold) -> None:
    whole = page(tmp_path, fold, seeds=[0])
    for path in (tmp_path / "images").rglob("*.png"):
        path.unlink()
    assert page(tmp_path, fold, seeds=[0]).count("<img") == whole.count("<img")


@pytest.mark.parametrize("hits", [0, 1, 5, 6, 25])
@pytest.mark.parametrize("query", ["a very long question about a guitar " * 3, "picture"])
def test_a_grid_has_a_place_for_every_hit(hits: int, query: str) -> None:
    picture = Image.new("RGB", (30, 60), "red")
    asked = picture if query == "picture" else query
    sheet = draw_grid(asked, hits=[(picture, "photo guitar 0.5", True)] * hits)
    columns, rows = 1 + min(hits, COLUMNS), max(1, -(-hits // COLUMNS))
    assert columns * TILE_PX < sheet.width < (columns + 1) * TILE_PX
    assert rows * TILE_PX < sheet.height < rows * TILE_PX * 1.5
    reds = (np.asarray(sheet) == (255, 0, 0)).all(axis=2).sum()
    shown = hits + (query == "picture")
    assert reds == pytest.approx(shown * TILE_PX**2 / 2, rel=0.15)


def test_a_model_is_beside_its_own_backbone_where_it_has_one() -> None:
    gain = Summary(0.1, 0.0, 1)

    def finding(model: str, value: float, by: Summary | None) -> Finding:
        of = Summary(value, 0.0, 1)
        return Finding("sketch", "udcdr-clean", model, "mAP@200", of, 0.1, 0.9, by, None)

    found = [
        finding("identity", 0.111, None),
        finding("one", 0.5, gain),
        finding("identity of two", 0.222, None),
        finding("two", 0.5, gain),
    ]
    html = certainty_table(found)
    one, two = re.findall(r"<tr><th scope=\"row\".*?</tr>", html)
    assert "0.111" in one
    assert "0.222" in two
    assert certainty_table(found[:1]) == ""
