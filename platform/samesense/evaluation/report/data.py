"""The page's numbers for programs: one JSON file, and the rows as CSV."""

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from samesense.evaluation.failures import Failure
from samesense.evaluation.report.facts import Facts, State
from samesense.evaluation.report.failure_cases import shown_cases
from samesense.evaluation.report.report import Report
from samesense.evaluation.results import Row


def as_json(report: Report, folds: Sequence[Facts], *, summary: Sequence[str]) -> str:
    """Return all that the page tells in words and numbers."""
    told = {
        "title": report.title,
        "summary": list(summary),
        "rows": [asdict(row) for row in report.rows],
        "findings": [asdict(one) | {"beyond_chance": one.beyond_chance} for one in report.findings],
        "folds": [_fold(facts) for facts in folds],
        "ablations": [asdict(ablation) for ablation in report.ablations],
        "cost": dict(report.cost),
        "provenance": dict(report.provenance),
    }
    return json.dumps(told, indent=1) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """Return a line for each row under the names of its fields; what is unknown is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def _fold(facts: Facts) -> dict[str, Any]:
    return {
        "held_out": facts.held_out,
        "n_queries": facts.n_queries,
        "domains": facts.after.matrix.domains,
        **{state.name: _state(state) for state in facts.states},
        "cases": [_case(facts, one) for one in shown_cases(facts.after.failures)],
    }


def _state(state: State) -> dict[str, Any]:
    return {
        "map_at_all": state.matrix.map_KK.tolist(),
        "gap": dict(state.gap),
        "wrong_first_answers": len(state.failures),
        "reasons": dict(Counter(one.reason for one in state.failures)),
    }


def _case(facts: Facts, one: Failure) -> dict[str, Any]:
    query = facts.after.embedded.of(splits=("query",)).manifest
    gallery = facts.after.embedded.of(splits=("gallery",)).manifest
    uris = {
        "query": query.column("uri")[one.query],
        "wrong": gallery.column("uri")[one.wrong],
        "right": None if one.right is None else gallery.column("uri")[one.right],
    }
    return asdict(one) | uris | {"margin": one.margin, "reason": one.reason}
