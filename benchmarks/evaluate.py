"""Ranking a large gallery for many queries, exactly, against the blocked matrix product alone."""

import argparse
import resource
import time

import numpy as np
from _setting import report

from samesense.metrics.blocked import (
    GALLERY_AT_ONCE,
    QUERIES_AT_ONCE,
    Vectors,
    average_precision_of_all,
    first_answers,
)

CONCEPTS, SPREAD = 345, 4.0
ANSWERS = 200
KIB_IN_GIB = 1 << 20


def draw(count: int, *, width: int, seed: int) -> tuple[Vectors, np.ndarray]:
    """Return unit vectors around their concepts, and the concepts."""
    centres = np.random.default_rng(0).standard_normal((CONCEPTS, width), dtype=np.float32)
    rng = np.random.default_rng(seed)
    label_N = rng.integers(0, CONCEPTS, count)
    z_ND = rng.standard_normal((count, width), dtype=np.float32)
    z_ND = SPREAD * z_ND + centres[label_N]
    z_ND /= np.linalg.norm(z_ND, axis=1, keepdims=True)
    return z_ND, label_N


def product(query_QD: Vectors, gallery_GD: Vectors) -> float:
    """Multiply block by block, look at nothing, and return the seconds."""
    started = time.perf_counter()
    for start in range(0, len(query_QD), QUERIES_AT_ONCE):
        block_BD = query_QD[start : start + QUERIES_AT_ONCE]
        for first in range(0, len(gallery_GD), GALLERY_AT_ONCE):
            _ = block_BD @ gallery_GD[first : first + GALLERY_AT_ONCE].T
    return time.perf_counter() - started


def measure(*, queries: int, gallery: int, width: int) -> None:
    """Rank by both, on the same vectors."""
    query_QD, label_Q = draw(queries, width=width, seed=1)
    gallery_GD, label_G = draw(gallery, width=width, seed=2)
    plain_s = product(query_QD, gallery_GD)
    started = time.perf_counter()
    first = first_answers(query_QD, gallery_GD=gallery_GD, k=ANSWERS)
    first_s = time.perf_counter() - started
    right = float((label_G[first.gallery_QK] == label_Q[:, None]).mean())
    sizes = {"queries": queries, "gallery": gallery, "width": width}
    report(
        "evaluate.first_answers",
        ratio=plain_s / first_s,
        bar=0.7,
        **sizes,
        seconds=first_s,
        seconds_product=plain_s,
        precision_at_200=right,
    )
    started = time.perf_counter()
    found = average_precision_of_all(
        query_QD, gallery_GD=gallery_GD, label_Q=label_Q, label_G=label_G
    )
    all_s = time.perf_counter() - started
    report(
        "evaluate.average_precision_of_all",
        ratio=plain_s / all_s,
        bar=None,
        **sizes,
        seconds=all_s,
        map_at_all=float(found.mean()),
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_IN_GIB
    report("evaluate.memory", ratio=peak / 4, bar=1.0, **sizes, peak_gib=peak)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--gallery", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=512)
    measure(**vars(parser.parse_args()))
