"""What a collection is of, and its names in Milvus.

Milvus takes letters, digits and underscores only. So a collection's name is for people and for
uniqueness, and what it is of (index, domain and fingerprint in full, in any script) is a JSON
property of the collection. A part of a name that Milvus would refuse is spelt with what is left of
it and a digest. No part holds a double underscore, so names split in one way only.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from samesense.core.errors import StoreError
from samesense.core.hashing import hash_bytes

PROPERTY = "samesense"
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
SEPARATOR = "__"
PART_CHARACTERS = 64
FINGERPRINT_CHARACTERS = 12


@dataclass(frozen=True)
class Contents:
    """What one collection holds: a domain of an index, as seen by one model."""

    index: str
    domain: str
    fingerprint: str
    width: int
    search: Mapping[str, int] = field(default_factory=dict)
    """What an approximate search sets; empty where the search is exact."""
    model: str = ""
    """Folder of the model when the collection was made; empty if unknown."""

    def __post_init__(self) -> None:
        if not self.index or not self.domain:
            raise StoreError(f"index '{self.index}', domain '{self.domain}': a name is empty")
        if not re.fullmatch(rf"[A-Za-z0-9]{{{FINGERPRINT_CHARACTERS},}}", self.fingerprint):
            raise StoreError(
                f"index '{self.index}': '{self.fingerprint}' is no fingerprint "
                f"(at least {FINGERPRINT_CHARACTERS} letters and digits)"
            )
        if self.width < 1:
            raise StoreError(f"index '{self.index}': vectors cannot have width {self.width}")

    @property
    def name(self) -> str:
        """The collection's name in Milvus."""
        return f"{self.alias}{SEPARATOR}{self.fingerprint[:FINGERPRINT_CHARACTERS]}"

    @property
    def alias(self) -> str:
        """The alias under which the domain is served."""
        return f"{prefix(self.index)}{_spell(self.domain)}"

    def fits(self, other: "Contents") -> bool:
        """Tell whether rows of these contents may go where the other's are."""
        return _essence(self) == _essence(other)

    def to_property(self) -> str:
        """Return the value of the collection's property."""
        return json.dumps(asdict(self))


def _essence(contents: Contents) -> Contents:
    return replace(contents, search={}, model="")


def prefix(index: str) -> str:
    """Return what the names of all collections and aliases of an index begin with."""
    return f"{_spell(index)}{SEPARATOR}"


def from_properties(properties: dict[str, str]) -> Contents | None:
    """Return what a collection holds, or None if it is not one of ours."""
    stored = properties.get(PROPERTY)
    return Contents(**json.loads(stored)) if stored else None


def _spell(text: str) -> str:
    if len(text) <= PART_CHARACTERS and PLAIN.fullmatch(text):
        return text
    kept = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[: PART_CHARACTERS - 12].strip("_")
    return "_".join(filter(None, ["x", kept, hash_bytes(text.encode())[:8]]))
