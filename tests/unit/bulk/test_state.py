import json
from pathlib import Path
from typing import Any

import pytest

from samesense.bulk import state
from samesense.bulk.ledger import Ledger
from samesense.bulk.listing import write_listing
from samesense.bulk.options import EmbedJob
from samesense.core.errors import ConfigError
from samesense.core.options import validate
from samesense.corpus.sources.row import Row

OLD, NEW = "a1" * 32, "b2" * 32


def job(out: Path, **changes: Any) -> EmbedJob:
    return validate(
        {"model": "m", "corpus": "photos", "index": "i", "out": str(out)} | changes, kind=EmbedJob
    )


def begun(out: Path) -> Ledger:
    """A run that has listed its corpus and finished a block."""
    assert not state.begin(job(out), fingerprint=OLD, start="continue")
    write_listing(out / "listing", iter([Row("/a", "d", "c")]), rows_per_block=1)
    ledger = Ledger(out / "ledger")
    ledger.write(0, [])
    return ledger


@pytest.mark.parametrize(
    "changes",
    [{}, {"prune": True}, {"model": "moved"}, {"switch": False}, {"encode": {"actors": 4}}],
)
def test_an_unfinished_run_goes_on(tmp_path: Path, changes: dict[str, Any]) -> None:
    ledger = begun(tmp_path)
    assert state.begin(job(tmp_path, **changes), fingerprint=OLD, start="continue")
    assert ledger.finished() == [0]


@pytest.mark.parametrize(
    ("changes", "fingerprint"),
    [
        ({}, NEW),
        ({"corpus": "others"}, OLD),
        ({"index": "j"}, OLD),
        ({"parquet": True}, OLD),
        ({"limits": {"max_pixels": 7}}, OLD),
        ({"encode": {"rows_per_block": 7}}, OLD),
    ],
)
def test_another_job_begins_anew(tmp_path: Path, changes: dict[str, Any], fingerprint: str) -> None:
    ledger = begun(tmp_path)
    assert not state.begin(job(tmp_path, **changes), fingerprint=fingerprint, start="continue")
    assert ledger.finished() == []


def test_a_finished_run_is_followed_by_a_new_one(tmp_path: Path) -> None:
    ledger = begun(tmp_path)
    with pytest.raises(ConfigError, match="holds no finished run"):
        state.begin(job(tmp_path), fingerprint=OLD, start="rejected")
    state.finish(job(tmp_path), fingerprint=OLD)
    assert state.begin(job(tmp_path), fingerprint=OLD, start="rejected")
    assert ledger.finished() == [0]
    assert not state.begin(job(tmp_path), fingerprint=OLD, start="continue")
    assert ledger.finished() == []


def test_rejected_rows_are_tried_again_under_other_limits(tmp_path: Path) -> None:
    begun(tmp_path)
    state.finish(job(tmp_path), fingerprint=OLD)
    raised = job(tmp_path, limits={"max_pixels": 10**8})
    assert state.begin(raised, fingerprint=OLD, start="rejected")
    with pytest.raises(ConfigError, match="holds no finished run"):
        state.begin(job(tmp_path, index="j"), fingerprint=OLD, start="rejected")


def test_fresh_begins_anew_whatever_there_is(tmp_path: Path) -> None:
    ledger = begun(tmp_path)
    assert not state.begin(job(tmp_path), fingerprint=OLD, start="fresh")
    assert ledger.finished() == []
    assert json.loads((tmp_path / "state.json").read_text())["finished"] is False


def test_a_listing_that_was_cut_short_is_made_again(tmp_path: Path) -> None:
    begun(tmp_path)
    (tmp_path / "listing" / "listing.json").unlink()
    assert not state.begin(job(tmp_path), fingerprint=OLD, start="continue")
