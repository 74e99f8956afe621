"""Variants side by side: means over domains, spread over seeds, differences paired by seed."""

from pathlib import Path

import pytest

from samesense.core.errors import ConfigError
from samesense.evaluation.ablation import Ablation, read_ablation, write_ablation
from samesense.evaluation.ablation_table import ablation_table
from samesense.evaluation.results import Row


def rows(model: str, *, unaligned: float, by_seed: tuple[float, ...]) -> list[Row]:
    """The same value in both held-out domains, and half of it as precision and probe."""
    made = []
    for held_out in ("photo", "sketch"):
        for seed, value in enumerate(by_seed):
            for name, of in (("identity", unaligned), (model, value)):
                for metric, factor in (("mAP@200", 1), ("Prec@200", 0.5), ("domain probe", 0.5)):
                    made.append(Row(held_out, seed, name, metric, factor * of, "udcdr", 1, 1))
    return made


def cells(table: str, variant: str) -> list[str]:
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {variant} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_line_by_hand() -> None:
    variants = {
        "usual": rows("usual", unaligned=0.2, by_seed=(0.4, 0.6)),
        "worse": rows("worse", unaligned=0.1, by_seed=(0.1, 0.3)),
        "alike": rows("alike", unaligned=0.2, by_seed=(0.6, 0.4)),
    }
    parameters = {"usual": 1234, "worse": 5, "alike": 0}
    table = ablation_table(Ablation("x", "usual", parameters, variants))
    assert cells(table, "usual") == [
        *("usual", "1,234", "0.200 ± 0.000", "0.500 ± 0.141", "0.100 ± 0.000", "0.250 ± 0.071"),
        *("0.100 ± 0.000", "0.250 ± 0.071", "+0.300 ± 0.141 *", ""),
    ]
    # Over its own baseline +0 and +0.2: within the spread. Under the usual by 0.3 with both seeds.
    assert cells(table, "worse")[-2:] == ["+0.100 ± 0.141", "-0.300 ± 0.000 *"]
    assert cells(table, "alike")[-1] == "+0.000 ± 0.283"


def test_one_seed_marks_nothing_and_a_missing_reference_leaves_its_column_empty() -> None:
    only = {"one": rows("one", unaligned=0.2, by_seed=(0.4,))}
    table = ablation_table(Ablation("x", "gone", {"one": 1}, only))
    assert cells(table, "one")[-2:] == ["+0.200", ""]
    assert "*" not in table


def test_the_table_is_markdown() -> None:
    only = {"one": rows("one", unaligned=0.2, by_seed=(0.4,))}
    lines = ablation_table(Ablation("x", "one", {"one": 1}, only)).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert set(lines[1]) == {"|", "-"}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    only = {"one": rows("one", unaligned=0.2, by_seed=(0.4,))}
    ablation = Ablation("losses", "one", {"one": 7}, only)
    path = write_ablation(tmp_path, ablation)
    assert path == tmp_path / "results.json"
    assert read_ablation(tmp_path) == ablation


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": {"one": [{"a": 1}]}}'])
def test_a_folder_of_something_else_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(ConfigError, match=r"results\.json: holds no ablation"):
        read_ablation(tmp_path)
