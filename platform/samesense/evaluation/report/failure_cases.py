"""Wrong first answers of the aligned model: how many and why, then some of them as pictures."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from html import escape

from samesense.evaluation.failures import REASONS, Failure
from samesense.evaluation.report.facts import Facts
from samesense.evaluation.report.tables import html_table
from samesense.evaluation.report.tiles import tile

CASES_A_REASON, PAIRS = 2, 6


def failure_cases(facts: Facts, *, picture: Callable[[str], str]) -> str:
    """Return HTML; ``picture`` turns the URI of an image into the source of an ``<img>``."""
    found = facts.after.failures
    if not found:
        return '<p class="note">No aligned query has a wrong first answer.</p>'
    words = (
        f"{len(found):,} of {facts.n_queries:,} queries ({len(found) / facts.n_queries:.0%}) have "
        f"a wrong first answer; unaligned it is {len(facts.before.failures):,}."
    )
    cases = "".join(_case(facts, one, picture) for one in shown_cases(found))
    return (
        f"<p>{words}</p>{_reasons(found)}"
        f'<div class="pair">{_confusions(facts)}{_domains(facts)}</div>'
        f'<div class="cases">{cases}</div>'
    )


def shown_cases(found: Sequence[Failure]) -> list[Failure]:
    """Return the surest errors of each reason."""
    return [
        failure
        for reason in REASONS
        for failure in [one for one in found if one.reason == reason][:CASES_A_REASON]
    ]


def confusions(facts: Facts) -> list[tuple[str, str, int, int]]:
    """Return (concept asked, concept answered, how often, queries of the concept asked), the most
    frequent first."""
    label_Q = facts.after.embedded.of(splits=("query",)).manifest.column("label").tolist()
    label_G = facts.after.embedded.of(splits=("gallery",)).manifest.column("label").tolist()
    pairs = Counter((label_Q[one.query], label_G[one.wrong]) for one in facts.after.failures)
    asked = Counter(label_Q)
    return [(a, b, times, asked[a]) for (a, b), times in pairs.most_common()]


def _reasons(found: Sequence[Failure]) -> str:
    counts = Counter(one.reason for one in found)
    lines = [
        [words, f"{counts[reason]:,}", f"{counts[reason] / len(found):.0%}"]
        for reason, words in REASONS.items()
        if counts[reason]
    ]
    return html_table(
        ["likely reason", "queries", "share"],
        lines,
        caption="Why the first answer is wrong: the first reason of the list that holds",
        long=(0,),
    )


def _confusions(facts: Facts) -> str:
    lines = [
        [asked, answered, f"{times:,}", f"{times / of:.0%}"]
        for asked, answered, times, of in confusions(facts)[:PAIRS]
    ]
    return html_table(
        ["asked", "answered", "queries", "of those asked"],
        lines,
        caption="Concepts that are taken for each other most often",
        words=(0, 1),
    )


def _domains(facts: Facts) -> str:
    domain_G = facts.after.embedded.of(splits=("gallery",)).manifest.column("domain").tolist()
    wrong = Counter(domain_G[one.wrong] for one in facts.after.failures)
    lines = [
        [domain, f"{wrong[domain] / wrong.total():.0%}", f"{count / len(domain_G):.0%}"]
        for domain, count in sorted(Counter(domain_G).items())
    ]
    return html_table(
        ["domain", "of wrong first answers", "of the gallery"],
        lines,
        caption="Where wrong answers come from",
        words=(0,),
    )


def _case(facts: Facts, one: Failure, picture: Callable[[str], str]) -> str:
    query = facts.after.embedded.of(splits=("query",)).manifest
    gallery = facts.after.embedded.of(splits=("gallery",)).manifest
    pictures = tile(query, one.query, kind="query", note="query", picture=picture)
    wrong = f"first answer {one.wrong_similarity:.2f}"
    pictures += tile(gallery, one.wrong, kind="wrong", note=wrong, picture=picture)
    if one.right is not None:
        right = f"nearest right {one.right_similarity:.2f}"
        pictures += tile(gallery, one.right, kind="right", note=right, picture=picture)
    numbers = "".join(f"<li>{escape(words)}</li>" for words in _numbers(one))
    return (
        f'<section class="case"><div class="answers">{pictures}</div>'
        f"<div><h4>{escape(_title(one))}</h4>"
        f"<ul>{numbers}</ul></div></section>"
    )


def _title(one: Failure) -> str:
    """Return the first words of the reason."""
    return re.split("[:,]", REASONS[one.reason])[0].capitalize()


def _numbers(one: Failure) -> list[str]:
    told = []
    if one.margin is not None:
        told.append(f"the nearest right answer is {one.margin:.3f} behind the wrong one")
    if one.to_own_prototype is not None:
        told.append(
            f"to the mean of the wrong concept {one.to_wrong_prototype:.2f}, of its own "
            f"{one.to_own_prototype:.2f}"
        )
    told.append(
        f"{one.neighbours_of_domain:.0%} of its first 10 answers are of the wrong answer's domain, "
        f"which is {one.gallery_of_domain:.0%} of the gallery"
    )
    return told
