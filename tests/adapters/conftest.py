"""One running server of each kind of store, and empty stores on them."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from fsspec.asyn import sync
from pydantic import SecretStr

from adapters.object_store.azure import AzureBackend
from adapters.object_store.backend import Address
from adapters.object_store.credentials import StoreCredentials
from adapters.object_store.protocol import ObjectStore
from tests import servers
from tests.adapters.places import REMOTE, Place, folder
from tests.drive import DriveStandIn, drive

S3_SECRET = "s3-secret-of-the-tests"


def s3_credentials(url: str, secret: str = S3_SECRET) -> StoreCredentials:
    return StoreCredentials(
        s3_endpoint_url=url,
        s3_access_key_id=SecretStr("tester"),
        s3_secret_access_key=SecretStr(secret),
        s3_region="us-east-1",
    )


def make_bucket(url: str) -> None:
    secrets = {"aws_access_key_id": "tester", "aws_secret_access_key": S3_SECRET}
    boto3.client("s3", endpoint_url=url, region_name="us-east-1", **secrets).create_bucket(Bucket="millrace")


@pytest.fixture(scope="session")
def s3() -> Iterator[Place]:
    with servers.s3() as url:
        make_bucket(url)
        yield Place("s3://millrace", s3_credentials(url), S3_SECRET)


@pytest.fixture(scope="session")
def gcs() -> Iterator[Place]:
    with servers.gcs("millrace") as url:
        yield Place("gs://millrace", StoreCredentials(gcs_endpoint_url=url))


@pytest.fixture(scope="session")
def azure() -> Iterator[Place]:
    key = b64encode(b"the account's key in the tests..").decode()
    with servers.azure("millrace", key) as url:
        parts = ["DefaultEndpointsProtocol=http", "AccountName=millrace", f"AccountKey={key}", f"BlobEndpoint={url}"]
        credentials = StoreCredentials(azure_connection_string=SecretStr(";".join(parts)))
        backend = AzureBackend(Address("az", "data"), credentials)
        sync(backend._fs.loop, backend._fs.service_client.create_container, "data")
        yield Place("az://data", credentials, key)


@pytest.fixture(scope="session")
def drive_stand_in() -> Iterator[DriveStandIn]:
    with drive() as standing_in:
        yield standing_in


@pytest.fixture(scope="session")
def gdrive(drive_stand_in: DriveStandIn, tmp_path_factory: pytest.TempPathFactory) -> Place:
    account = drive_stand_in.account()
    file = tmp_path_factory.mktemp("drive") / "account.json"
    file.write_text(json.dumps(account))
    credentials = StoreCredentials(gdrive_endpoint_url=drive_stand_in.url, gdrive_credentials_file=file)
    return Place("gdrive://Millrace data", credentials, account["private_key"])


PlaceOf = Callable[[str], Place]


@pytest.fixture
def place_of(request: pytest.FixtureRequest, tmp_path: Path) -> PlaceOf:
    """Where an empty store of this kind is."""

    def place(kind: str) -> Place:
        if kind == "folder":
            return folder(tmp_path / "store")
        if kind == "memory":
            return Place(f"memory://{uuid4()}")
        running: Place = request.getfixturevalue(kind)
        return running.below(str(uuid4()))

    return place


@pytest.fixture(params=["folder", "memory", *REMOTE])
def place(request: pytest.FixtureRequest, place_of: PlaceOf) -> Place:
    return place_of(request.param)


@pytest.fixture
def store(place: Place) -> ObjectStore:
    """An empty store."""
    return place.open()


@pytest.fixture(params=REMOTE)
def far(request: pytest.FixtureRequest, place_of: PlaceOf) -> Place:
    """Where an empty store is that is somewhere else."""
    return place_of(request.param)
