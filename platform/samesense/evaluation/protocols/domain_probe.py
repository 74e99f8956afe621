"""How much of its domain a vector still tells: a linear classifier of domains, on vectors alone.

Shapes: N items, D width.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from samesense.evaluation.embedded import Embedded

ITERATIONS = 500


@dataclass(frozen=True)
class ProbeScore:
    """What the classifier reaches."""

    accuracy: float
    """Mean over domains of the share that is told right; chance is 1 / domains."""
    n_train: int
    n_test: int


def domain_probe(embedded: Embedded) -> ProbeScore:
    """Fit logistic regression on one half of the items and score it on the other.

    Entries are standardised and domains weigh the same, so that neither scale nor size matters.
    Each domain is parted in halves, by a fixed seed. Lower means that less of the style is left.
    """
    domain_N = embedded.manifest.column("domain").astype(str)
    train_ND, test_ND, train_N, test_N = train_test_split(
        embedded.z_ND, domain_N, test_size=0.5, stratify=domain_N, random_state=0
    )
    probe = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=ITERATIONS, class_weight="balanced")
    )
    told_N = probe.fit(train_ND.astype(np.float64), train_N).predict(test_ND.astype(np.float64))
    return ProbeScore(
        accuracy=float(balanced_accuracy_score(test_N, told_N)),
        n_train=len(train_N),
        n_test=len(test_N),
    )
