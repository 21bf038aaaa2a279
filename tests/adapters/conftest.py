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
from adapters.object_store.fsspec_store import FsspecStore
from adapters.object_store.gdrive import DriveBackend
from adapters.object_store.opening import open_store
from adapters.object_store.protocol import ObjectStore
from tests import servers
from tests.adapters.places import REMOTE, Place, below
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


@pytest.fixture(scope="session")
def connected(request: pytest.FixtureRequest) -> Iterator[Callable[[str], FsspecStore]]:
    """The root of a store that is somewhere else: one connection for all tests."""
    roots: dict[str, FsspecStore] = {}

    def connect(kind: str) -> FsspecStore:
        if kind not in roots:
            place: Place = request.getfixturevalue(kind)
            root = place.open()
            assert isinstance(root, FsspecStore)
            roots[kind] = root
        return roots[kind]

    yield connect
    if "gdrive" in roots and isinstance(roots["gdrive"]._backend, DriveBackend):
        roots["gdrive"]._backend._http.close()


@pytest.fixture(params=["folder", "memory", *REMOTE])
def store(request: pytest.FixtureRequest, tmp_path: Path, connected: Callable[[str], FsspecStore]) -> ObjectStore:
    """An empty store of each kind."""
    if request.param == "folder":
        return open_store(str(tmp_path / "store"))
    if request.param == "memory":
        return open_store(f"memory://{uuid4()}")
    return below(connected(request.param), str(uuid4()))


@pytest.fixture(params=REMOTE)
def far(request: pytest.FixtureRequest, connected: Callable[[str], FsspecStore]) -> FsspecStore:
    """An empty store of each kind that is somewhere else."""
    return below(connected(request.param), str(uuid4()))
