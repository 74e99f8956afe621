"""Options of the pools."""

from typing import ClassVar, Literal

from samesense.core.options import Options


class LastTokenOptions(Options):
    """The state of the last real position, which has attended to the whole sequence."""

    takes: ClassVar[str] = "tokens"
    gives: ClassVar[str] = "vector"
    kind: Literal["last_token"]
