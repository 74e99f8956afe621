"""What every source lists."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One listed image, not yet read."""

    uri: str
    domain: str
    label: str
    text: str | None = None
    fault: str | None = None
    """Reason code, if the row can be rejected without reading the image."""
