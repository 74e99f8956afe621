"""Where domain, class and id stand in the path of an image."""

import re
from dataclasses import dataclass
from functools import cached_property

from samesense.core.errors import ConfigError, did_you_mean

DEFAULT = "{domain}/{label}/*"
PARTS = ("domain", "label", "id")
TOKEN = re.compile(r"\{(\w+)\}|\*\*|\*")


@dataclass(frozen=True)
class Named:
    """What a path says."""

    domain: str
    label: str
    id: str
    """What stands for the image in its domain, whatever else its path says; may be empty."""


@dataclass(frozen=True)
class KeyPattern:
    """A path with ``{domain}``, ``{label}`` and ``{id}`` in the place of names.

    A name ends where a folder does. ``*`` stands for anything within a folder, ``**`` for any
    number of folders. ``domain`` and ``label`` are used where the pattern does not name them.
    """

    text: str = DEFAULT
    domain: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        names = [name for name in TOKEN.findall(self.text) if name]
        for name in names:
            if name not in PARTS or names.count(name) > 1:
                why = "stands twice" if name in PARTS else f"is none of {', '.join(PARTS)}"
                raise ConfigError(
                    f"pattern '{self.text}': {{{name}}} {why}.{did_you_mean(name, PARTS)}"
                )
        for name, fixed in (("domain", self.domain), ("label", self.label)):
            if (name in names) == bool(fixed):
                raise ConfigError(
                    f"pattern '{self.text}': give {name} either as {{{name}}} in the pattern or "
                    "as one name for the whole corpus"
                )

    def match(self, path: str) -> Named | None:
        """Return what a path relative to the corpus says, or None if it does not fit."""
        found = self._expression.fullmatch(path)
        if found is None:
            return None
        parts = found.groupdict()
        return Named(
            domain=parts.get("domain", self.domain),
            label=parts.get("label", self.label),
            id=parts.get("id", ""),
        )

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        pieces, end = [], 0
        for token in TOKEN.finditer(self.text):
            pieces.append(re.escape(self.text[end : token.start()]))
            name = token.group(1)
            anything = ".*" if token.group() == "**" else "[^/]*"
            pieces.append(f"(?P<{name}>[^/]+)" if name else anything)
            end = token.end()
        return re.compile("".join([*pieces, re.escape(self.text[end:])]), re.DOTALL)
