"""The whole of a service, as one typed tree."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address

from pydantic import Field, field_validator, model_validator

from samesense.core.options import Options
from samesense.corpus.decode import DecodeLimits
from samesense.encoder.options import Device

DRAIN_S = 30
"""How long requests under way have to end when the service does."""
LOOPBACK_NAMES = ("localhost",)
ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:[0-9]+)?")


class ReplicaOptions(Options):
    """How many processes a part of the service has; Ray Serve starts and ends them by need."""

    least: int = Field(default=1, ge=0)
    """Processes that are kept without any request; with 0 the first request waits for a start."""
    most: int = Field(default=1, ge=1)
    """Processes at the busiest."""
    requests_each: float = Field(default=2, gt=0)
    """Calls under way for which one process more is started. The front joins what waits for a
    model: what one forward takes is one call to the processes that render and hold it."""
    idle_s: float = Field(default=300, ge=0)
    """How long a process is kept that is no longer needed, in seconds."""

    @model_validator(mode="after")
    def _least_is_at_most_most(self) -> "ReplicaOptions":
        if self.least > self.most:
            raise ValueError(f"least ({self.least}) is more than most ({self.most})")
        return self


class ForwardOptions(Options):
    """How a process runs its model."""

    threads: int | None = Field(default=None, ge=1)
    """CPU threads of a forward; by default as many as Ray gives the process, which is one."""
    items_per_forward: int | None = Field(default=None, ge=1)
    """How many images or texts are encoded together, at most: those of one shape that have come
    while the forward before was under way. By default 32 on a GPU and 8 on a CPU; models of a width
    of 768 and more gain a little by 16."""
    wait_s: float = Field(default=0.1, ge=0)
    """How long a request waits for others at most, to be encoded together, while others are under
    way: a tenth of what the last took, but not longer than this. One that comes alone does not
    wait."""


class ModelOptions(Options):
    """One model that is served."""

    folder: str
    """Folder of a training run or of its artefact. When it changes, processes load the new model
    beside the old one, and change over."""
    replicas: ReplicaOptions = ReplicaOptions()
    """Processes that hold the model."""
    device: Device = "auto"
    """``gpu`` gives each process one GPU; ``auto`` does where there is one."""
    forward: ForwardOptions = ForwardOptions()
    """How each of them runs it."""


class LimitOptions(Options):
    """What one request may cost. Each refusal names its limit."""

    body_bytes: int = Field(default=32_000_000, ge=1)
    """Size of a request's body."""
    items: int = Field(default=256, ge=1)
    """Images and texts of one request."""
    text_characters: int = Field(default=20_000, ge=1)
    """Length of one text; a model reads its first 256 tokens."""
    image: DecodeLimits = DecodeLimits(max_bytes=20_000_000)
    """Size of one image, in bytes and in pixels."""
    hits: int = Field(default=1000, ge=1)
    """Hits of one search."""
    waiting: int = Field(default=256, ge=1)
    """Requests under way in each process of a part; beyond it callers are asked to come back."""


class FetchOptions(Options):
    """Whether images are fetched from addresses that callers give; never from private networks."""

    enabled: bool = False
    """Off, only uploads and data URIs are taken."""
    timeout_s: float = Field(default=10, gt=0)
    """For one image, redirects included."""
    redirects: int = Field(default=3, ge=0)
    """How many are followed, each checked anew."""
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Private networks that may be asked all the same: ``10.2.0.0/16`` of an image store."""


class HttpOptions(Options):
    """Where the service listens, and for whom."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8000, ge=1, le=65_535)
    """Port to listen on."""
    keys_file: str | None = None
    """File of API keys, one a line; those in ``SAMESENSE_API_KEYS`` (comma separated) count too."""
    allowed_origins: tuple[str, ...] = ()
    """Other web sites whose pages may call the service (CORS), as ``https://site.example``, with
    the port if it has one; by default none, ``*`` for all."""

    @field_validator("allowed_origins")
    @classmethod
    def _are_as_browsers_name_them(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and not ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"'{origin}' is no origin: write a site as https://site.example, in small "
                    "letters, with the port if it has one, and nothing behind it"
                )
        return origins

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches the service."""
        if self.host in LOOPBACK_NAMES:
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


class ServeOptions(Options):
    """A service: models, an index, and their limits."""

    models: dict[str, ModelOptions] = {}
    """Models by the name that callers use. Without any, the model of the index is served."""
    milvus: str = "runs/milvus.db"
    """A local file (Milvus Lite) or the http address of a Milvus server."""
    index: str | None = None
    """The index that is searched where a request names none; by default the first."""
    http: HttpOptions = HttpOptions()
    """Where the service listens, and for whom."""
    limits: LimitOptions = LimitOptions()
    """What one request may cost."""
    fetch: FetchOptions = FetchOptions()
    """Whether images are fetched from addresses."""
    front: ReplicaOptions = ReplicaOptions(requests_each=32)
    """Processes that speak HTTP."""
    rendering: ReplicaOptions = ReplicaOptions()
    """Processes that decode images and render them for a model."""
    search: ReplicaOptions = ReplicaOptions(requests_each=16)
    """Processes that ask Milvus; a local file has one, whatever is asked for."""
    patience_s: float = Field(default=60.0, gt=0)
    """How long a search waits for a Milvus server that is down or restarts."""

    @field_validator("models")
    @classmethod
    def _names_are_plain(cls, models: dict[str, ModelOptions]) -> dict[str, ModelOptions]:
        for name in models:
            if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
                raise ValueError(f"'{name}': a model's name is of letters, digits, '-', '_', '.'")
        return models

    def without_models(self) -> "ServeOptions":
        """Return what does not change when a model does, so that only its own processes do."""
        return self.model_copy(update={"models": {}})
