"""Places where a store can be, each as the settings of an installation have it."""

from dataclasses import dataclass

import pytest

from adapters.object_store.credentials import NO_CREDENTIALS, Scrubber, StoreCredentials
from adapters.object_store.fsspec_store import FsspecStore
from adapters.object_store.opening import open_store
from adapters.object_store.protocol import ObjectStore
from adapters.object_store.retries import Patience
from tests.servers import AZURITE

QUICK = Patience(attempts=3, first_seconds=0.01)

no_azurite = pytest.mark.skipif(not AZURITE.is_file(), reason="Azurite is not installed: make azurite")
AZURE = pytest.param("azure", marks=[pytest.mark.azure, no_azurite])
REMOTE = [
    pytest.param("s3", marks=pytest.mark.s3),
    pytest.param("gcs", marks=pytest.mark.gcs),
    AZURE,
    "gdrive",
]


@dataclass(frozen=True)
class Place:
    """A URL and what opens it. `secret` is in the credentials, and must be nowhere else."""

    url: str
    credentials: StoreCredentials = NO_CREDENTIALS
    secret: str = ""

    def open(self, patience: Patience = QUICK) -> ObjectStore:
        return open_store(self.url, self.credentials, patience=patience)


def below(store: ObjectStore, prefix: str) -> FsspecStore:
    """An empty store on the connection of another one: connecting takes longer than most tests."""
    assert isinstance(store, FsspecStore)
    return FsspecStore(store._backend, prefix, patience=QUICK, scrubber=Scrubber(NO_CREDENTIALS))
