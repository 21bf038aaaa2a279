"""`s3://BUCKET/PREFIX`: Amazon S3 and what speaks its protocol (MinIO, Ceph, R2, …), through s3fs."""

from collections.abc import Sequence
from typing import Any, cast

from fsspec.asyn import sync
from s3fs import S3FileSystem

from adapters.object_store.backend import MIB, Address, Found
from adapters.object_store.credentials import StoreCredentials


class S3Backend:
    settings = "MILLRACE_S3_ACCESS_KEY_ID and MILLRACE_S3_SECRET_ACCESS_KEY (or AWS's own variables, profile or role)"
    parallel = 8
    part_size = 8 * MIB
    most_parts = 10_000
    parts_in_order = False
    delete_batch = 1000

    def __init__(self, address: Address, credentials: StoreCredentials) -> None:
        self.where = f"s3://{address.bucket}"
        self._bucket = address.bucket
        self._fs = S3FileSystem(
            key=credentials.s3_access_key_id.get_secret_value() or None,
            secret=credentials.s3_secret_access_key.get_secret_value() or None,
            token=credentials.s3_session_token.get_secret_value() or None,
            endpoint_url=credentials.s3_endpoint_url or None,
            client_kwargs={"region_name": credentials.s3_region} if credentials.s3_region else {},
            config_kwargs={
                "connect_timeout": 10,
                "read_timeout": 60,
                "retries": {"total_max_attempts": 1, "mode": "standard"},
                # Checksums in trailers are news to many stores that speak S3; TLS and TCP check the transfer.
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            },
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        self._fs.retries = 1  # FsspecStore has the patience

    def put(self, name: str, data: bytes) -> None:
        self._call("put_object", Key=name, Body=data)

    def read(self, name: str, start: int | None = None, length: int = 0) -> bytes:
        part = {} if start is None else {"Range": f"bytes={start}-{start + length - 1}"}

        async def read() -> bytes:  # `cat_file` takes the end of some keys for a version
            answer = await self._fs._call_s3("get_object", Bucket=self._bucket, Key=name, **part)
            async with answer["Body"] as body:
                return cast("bytes", await body.read())

        return cast("bytes", sync(self._fs.loop, read))

    def info(self, name: str) -> Found:
        found = self._call("head_object", Key=name)
        return Found(name, found["ContentLength"], found["LastModified"].timestamp())

    def page(self, folder: str, after: str | None, limit: int) -> tuple[list[Found], str | None]:
        more = {"ContinuationToken": after} if after else {}
        answer = self._call("list_objects_v2", Prefix=folder, MaxKeys=limit, **more)
        found = [
            Found(each["Key"], each["Size"], each["LastModified"].timestamp())
            for each in answer.get("Contents", [])
            if not each["Key"].endswith("/")  # a placeholder for an empty folder
        ]
        return found, answer.get("NextContinuationToken")

    def delete(self, names: Sequence[str]) -> None:
        if len(names) == 1:
            self._call("delete_object", Key=names[0])
            return
        order = {"Objects": [{"Key": name} for name in names], "Quiet": True}
        for refused in self._call("delete_objects", Delete=order).get("Errors", []):
            if refused["Code"] != "NoSuchKey":
                raise OSError(f"{refused['Code']} for {refused['Key']!r}: {refused.get('Message', '')}")

    def begin(self, name: str, size: int) -> "S3Parts":
        return S3Parts(self, name, self._call("create_multipart_upload", Key=name)["UploadId"])

    def _call(self, method: str, **arguments: object) -> Any:
        return self._fs.call_s3(method, Bucket=self._bucket, **arguments)


class S3Parts:
    def __init__(self, backend: S3Backend, name: str, upload: str) -> None:
        self._backend = backend
        self._where = {"Key": name, "UploadId": upload}
        self._tags: dict[int, str] = {}

    def put(self, number: int, offset: int, data: bytes) -> None:
        answer = self._backend._call("upload_part", **self._where, PartNumber=number + 1, Body=data)
        self._tags[number + 1] = answer["ETag"]

    def complete(self) -> None:
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in sorted(self._tags.items())]
        self._backend._call("complete_multipart_upload", **self._where, MultipartUpload={"Parts": parts})

    def abort(self) -> None:
        self._backend._call("abort_multipart_upload", **self._where)
