from pathlib import Path

import numpy as np
import pytest

from samesense.core.errors import CorpusError
from samesense.corpus.class_lists import read_classes


def test_classes_keep_their_order_whatever_names_them(tmp_path: Path) -> None:
    np.save(tmp_path / "train.npy", np.array(["zebra", "ant"]))
    (tmp_path / "more.txt").write_text("cow\n\nmouse_(animal)\n")
    given = (str(tmp_path / "train.npy"), "bee", str(tmp_path / "more.txt"))
    assert read_classes(given) == ("zebra", "ant", "bee", "cow", "mouse_(animal)")


def test_what_is_no_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"absent\.txt: cannot be read as a list of classes"):
        read_classes((str(tmp_path / "absent.txt"),))
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(CorpusError, match=r"x\.npy: cannot be read"):
        read_classes((str(tmp_path / "x.npy"),))
    with pytest.raises(CorpusError, match="class 'ant' is named more than once"):
        read_classes(("ant", "bee", "ant"))
