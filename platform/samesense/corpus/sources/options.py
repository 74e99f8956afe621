"""What a corpus is, and where its paths say what."""

from pydantic import Field, model_validator

from samesense.core.errors import ConfigError
from samesense.core.options import Options
from samesense.corpus.sources.pattern import DEFAULT, KeyPattern


class CorpusOptions(Options):
    """Images of one or more domains."""

    uri: str = Field(min_length=1)
    """A folder or ``s3://bucket/prefix`` with images, tar shards (WebDataset) or tables (Parquet);
    or one such shard or table; or a manifest (.parquet, .jsonl, .csv) with the columns uri, domain
    and label, maybe text and revision (what changes with an image, such as its ETag)."""
    pattern: str = DEFAULT
    """Where a path below ``uri`` says what: ``{domain}``, ``{label}`` and ``{id}`` in the place of
    names, ``*`` for anything within a folder, ``**`` for any folders. A tar shard's name without
    its suffix counts as a folder."""
    domain: str = ""
    """The domain of all images, where the pattern does not name it."""
    label: str = ""
    """The concept of all images, where the pattern does not name it."""

    @property
    def key_pattern(self) -> KeyPattern:
        """The pattern, ready to use."""
        return KeyPattern(self.pattern, domain=self.domain, label=self.label)

    @model_validator(mode="after")
    def _pattern_fits(self) -> "CorpusOptions":
        try:
            _ = self.key_pattern
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self
