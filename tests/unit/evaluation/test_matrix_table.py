"""The matrix as a person reads it."""

from samesense.evaluation.matrix_table import matrix_table
from samesense.evaluation.results import Row

VALUES = {"a→a": 0.1, "a→long name": 0.2, "long name→a": 0.3, "long name→long name": 0.4}
EXPECTED = """\
mAP@all; rows are the query's domain, columns the gallery's

unaligned               a  long name
a                   0.100      0.200
long name           0.300      0.400
largest asymmetry   0.100

gated                   a  long name
a                   0.100      0.200
long name           0.300      0.400
largest asymmetry   0.100"""


def rows(seed: int, *, shift: float = 0.0) -> list[Row]:
    metrics = {f"mAP@all {pair}": value for pair, value in VALUES.items()}
    metrics["largest asymmetry"] = 0.1
    return [
        Row("a", seed, model, metric, value + shift, "matrix-clean", 1, 1)
        for model in ("identity", "gated")
        for metric, value in metrics.items()
    ]


def test_a_matrix_is_a_square_for_each_model() -> None:
    assert matrix_table(rows(0)) == EXPECTED


def test_of_several_seeds_it_is_the_mean() -> None:
    assert matrix_table([*rows(0, shift=-0.05), *rows(1, shift=0.05)]) == EXPECTED
