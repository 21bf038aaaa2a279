"""Routes: the one small object per endpoint that serving reads. Written by the control plane, atomically.

Layout of the model store, seen from its root:
    packages/{digest}/package.json ...          a model version's package (see registry.specs)
    routes/{endpoint}.json                      `Routes`
    access/tokens.json                          `ServingAccess`: hashed tokens that may predict
    instances/{instance}.json                   `ServingInstance`: written by serving every few seconds
    predictions/{endpoint}/{hour}/{first}_{last}_{rows}.parquet    segments written by the recorder
"""

from typing import Literal

from pydantic import Field

from domain.datasets.specs import Name, Spec


class Target(Spec):
    """A version that may answer. `live` answers; `standby` is loaded and warm, and answers nothing."""

    version: int
    package: str = Field(description="SHA-256 digest of the package.")
    role: Literal["live", "standby"]
    share: float = Field(default=1.0, ge=0, le=1, description="Share of the traffic among live targets.")


class EndpointSettings(Spec):
    """How an endpoint treats requests. `record` columns beyond the signature are kept with the prediction."""

    visibility: Literal["private", "public"] = "private"
    extra_columns: Literal["forbid", "record"] = "forbid"
    record: bool = True
    max_rows: int = Field(default=10_000, ge=1, le=1_000_000, description="Rows in one request.")


class Routes(Spec):
    """Which versions answer for an endpoint. A higher `revision` replaces a lower one, never the other way."""

    endpoint: Name
    revision: int
    model: Name
    targets: list[Target]
    settings: EndpointSettings = EndpointSettings()


class AccessEntry(Spec):
    token_sha256: str
    name: str


class ServingAccess(Spec):
    """Tokens with the predict scope, hashed, for serving without a database."""

    revision: int
    tokens: list[AccessEntry]


class ServingInstance(Spec):
    """What one serving process has loaded: endpoint -> package digests that are warm; errors by digest."""

    instance: str
    at: float = Field(description="Unix time of the report, seconds.")
    warm: dict[str, list[str]]
    revisions: dict[str, int]
    errors: dict[str, str] = {}
