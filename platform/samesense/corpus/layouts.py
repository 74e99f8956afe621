"""How public data sets lie on disk, as data: where an image is, and what their lists are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from samesense.core.errors import CorpusError, did_you_mean
from samesense.corpus.sources.pattern import DEFAULT, KeyPattern

PARTS = ("train", "validation", "test")
"""What a data set's own lists, or folders, say an image is for."""


@dataclass(frozen=True)
class Place:
    """Where images of a layout lie."""

    pattern: str = DEFAULT
    """See ``KeyPattern``."""
    domain: str = ""
    """The domain of all of them, where the pattern does not name it."""
    part: str = ""
    """One of ``PARTS``, where the folder says so."""

    @property
    def key_pattern(self) -> KeyPattern:
        """The pattern, ready to use."""
        return KeyPattern(self.pattern, domain=self.domain)


@dataclass(frozen=True)
class Layout:
    """How a data set lies on disk; files at no place of it are not images of it."""

    places: tuple[Place, ...] = (Place(),)
    """The first that fits an image counts."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """Part → name of its list for ``{domain}``: lines of a path and a number that stands for the
    class."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Folder → class, where folders are named otherwise."""
    space: str = " "
    """What stands for a space of a folder's name in the class's."""

    def label_of(self, folder: str) -> str:
        """Return the class that a folder holds."""
        return self.labels.get(folder, folder).replace(" ", self.space)


LAYOUTS: MappingProxyType[str, Layout] = MappingProxyType(
    {
        "domainnet": Layout(lists={"train": "{domain}_train.txt", "test": "{domain}_test.txt"}),
        "sketchy": Layout(
            places=(
                Place("sketch/{label}/*", domain="sketch"),
                Place("**sketch/tx_000000000000/{label}/*", domain="sketch"),
                Place("extended_photo/{label}/*", domain="photo"),
                Place("EXTEND_image_sketchy/{label}/*", domain="photo"),
            ),
        ),
        "tuberlin": Layout(
            places=(
                Place("sketches/{label}/*", domain="sketch"),
                Place("png/{label}/*", domain="sketch"),
                Place("images/{label}/*", domain="photo"),
                Place("ImageResized/{label}/*", domain="photo"),
            ),
            space="_",
        ),
        "pacs": Layout(
            places=(Place(), Place("kfold/{domain}/{label}/*"), Place("images/{domain}/{label}/*")),
            lists={
                "train": "{domain}_train_kfold.txt",
                "validation": "{domain}_crossval_kfold.txt",
                "test": "{domain}_test_kfold.txt",
            },
        ),
        "vlcs": Layout(
            places=(
                Place(),
                Place("{domain}/train/{label}/*", part="train"),
                Place("{domain}/crossval/{label}/*", part="validation"),
                Place("{domain}/test/{label}/*", part="test"),
            ),
            labels={"0": "bird", "1": "car", "2": "chair", "3": "dog", "4": "person"},
        ),
        "officehome": Layout(
            places=(
                Place(),
                Place("{domain}/train/{label}/*", part="train"),
                Place("{domain}/val/{label}/*", part="validation"),
            ),
        ),
        "terraincognita": Layout(),
    }
)


def find_layout(name: str) -> Layout:
    """Return a layout by its name.

    Raises:
        CorpusError: if there is none, with the nearest that there is.
    """
    if name not in LAYOUTS:
        hint = did_you_mean(name, LAYOUTS)
        raise CorpusError(f"no layout '{name}' (has: {', '.join(LAYOUTS)}).{hint}")
    return LAYOUTS[name]
