"""What else the page says at its top, a sentence a fact, drawn from the numbers."""

import statistics
from collections import Counter
from collections.abc import Sequence

from samesense.evaluation.failures import REASONS
from samesense.evaluation.findings import Finding
from samesense.evaluation.report.facts import Facts
from samesense.evaluation.report.failure_cases import confusions
from samesense.evaluation.report.heatmap import asymmetry_in_words
from samesense.evaluation.results import shown_metrics


def in_short(found: Sequence[Finding], folds: Sequence[Facts]) -> list[str]:
    """Return the sentences that the numbers allow."""
    metrics = shown_metrics(one.metric for one in found)[:1]
    aligned = [one for one in found if one.metric in metrics and one.gain is not None]
    sentences = (
        _beyond_chance(aligned),
        _hardest(aligned),
        _gap([facts for facts in folds if facts.after.gap]),
        _asymmetry(folds),
        _failures(folds),
    )
    return [sentence for sentence in sentences if sentence]


def _beyond_chance(aligned: Sequence[Finding]) -> str:
    if not aligned:
        return ""
    beyond = [one for one in aligned if one.beyond_chance and one.gain is not None]
    worse = [one.held_out for one in beyond if one.gain is not None and one.gain.mean < 0]
    words = (
        f"The change of {aligned[0].metric} is beyond chance in {len(beyond)} of {len(aligned)} "
        "comparisons with the unaligned backbone"
    )
    return f"{words}; it is a loss for {', '.join(worse)}." if worse else f"{words}."


def _hardest(aligned: Sequence[Finding]) -> str:
    ranked = sorted(aligned, key=lambda one: one.value.mean)
    if not ranked or ranked[0].held_out == ranked[-1].held_out:
        return ""
    worst, best = ranked[0], ranked[-1]
    return (
        f"The hardest domain is {worst.held_out} ({worst.metric} {worst.value.mean:.3f}), the "
        f"easiest {best.held_out} ({best.value.mean:.3f})."
    )


def _gap(folds: Sequence[Facts]) -> str:
    if not folds:
        return ""
    mixed, told = (
        [statistics.fmean(facts.states[i].gap[name] for facts in folds) for i in (0, 1)]
        for name in ("neighbour mixing", "domain probe")
    )
    chance = statistics.fmean(1 / len(facts.after.matrix.domains) for facts in folds)
    return (
        f"Other domains are among the nearest neighbours {mixed[0]:.0%} as often as by chance "
        f"before, {mixed[1]:.0%} after; a linear classifier tells the domain of {told[0]:.0%} of "
        f"vectors before, {told[1]:.0%} after (chance {chance:.0%})."
    )


def _asymmetry(folds: Sequence[Facts]) -> str:
    if not folds:
        return ""
    before, after = (
        max(float(facts.states[i].matrix.asymmetry_KK.max(initial=0.0)) for facts in folds)
        for i in (0, 1)
    )
    widest = max(folds, key=lambda facts: float(facts.after.matrix.asymmetry_KK.max(initial=0.0)))
    return (
        f"The two directions between a pair of domains differ by at most {before:.2f} mAP@all "
        f"before, {after:.2f} after. {asymmetry_in_words(widest.after.matrix)}."
    )


def _failures(folds: Sequence[Facts]) -> str:
    asked = sum(facts.n_queries for facts in folds)
    before, after = ([one for facts in folds for one in facts.states[i].failures] for i in (0, 1))
    if not after:
        return "No aligned query has a wrong first answer." if asked else ""
    (reason, times), *_ = Counter(one.reason for one in after).most_common()
    pairs = Counter[tuple[str, str]]()
    for facts in folds:
        pairs.update({(a, b): times for a, b, times, _ in confusions(facts)})
    ((of, answered), often), *_ = pairs.most_common()
    queries = "query" if often == 1 else "queries"
    return (
        f"{len(after) / asked:.0%} of queries have a wrong first answer ({len(before) / asked:.0%} "
        f"before). The most frequent likely reason, with {times / len(after):.0%}: "
        f"{REASONS[reason]}. The most frequent error: {answered} for {of} ({often:,} {queries})."
    )
