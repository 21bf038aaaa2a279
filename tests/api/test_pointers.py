"""Versions from `.dvc` files whose bytes were pushed, and the pointers that versions give back."""

from typing import Any

import httpx
import pytest

from tests.api.answers import refused
from tests.api.dvc_wire import digest, listing, push, push_listing, url

TABLE = b"a\n1\n"


class TestVersionsFromPointers:
    def post(self, client: httpx.Client, text: str, **more: Any) -> httpx.Response:
        return client.post("datasets/a/versions", json={"source": {"kind": "dvc", "pointer": text}, **more})

    def test_a_file(self, client: httpx.Client) -> None:
        push(client, TABLE)
        text = f"outs:\n- md5: {digest(TABLE)}\n  hash: md5\n  path: raw.csv\n"
        answer = self.post(client, text, message="why")
        assert (answer.status_code, answer.headers["location"]) == (201, "/api/v1/datasets/a/versions/1")
        version = answer.json()
        assert (version["format"], version["message"], version["size"]) == ("csv", "why", 4)
        assert (version["source"]["kind"], version["source"]["path"]) == ("dvc", "raw.csv")
        assert client.get("datasets/a/versions/1/content/raw.csv").content == TABLE
        assert self.post(client, text).status_code == 200
        assert client.get("datasets/a/versions/1/pointer").text == text.replace("  hash", "  size: 4\n  hash")

    def test_a_folder_in_a_form(self, client: httpx.Client) -> None:
        files = [("x/1.txt", b"one"), ("2.txt", b"two")]
        for _, data in files:
            push(client, data)
        named = listing(*files)
        text = f"outs:\n- md5: {digest(named)}.dir\n  size: 6\n  nfiles: 2\n  hash: md5\n  path: a\n"
        form = {"pointer": (None, text), "message": (None, "m")}  # what `curl -F pointer='<a.dvc'` sends
        refused(client.post("datasets/a/versions", files=form), 409, "not_pushed")
        push_listing(client, named)
        version = client.post("datasets/a/versions", files=form).json()
        assert (version["digest"], version["files"], version["message"]) == (f"{digest(named)}.dir", 2, "m")
        assert client.get("datasets/a/versions/1/pointer").text == text

    def test_a_folder_of_one_file_keeps_its_digest(self, client: httpx.Client) -> None:
        push(client, TABLE)
        named = listing(("only.csv", TABLE))
        push_listing(client, named)
        text = f"outs:\n- md5: {digest(named)}.dir\n  size: 4\n  nfiles: 1\n  hash: md5\n  path: a\n"
        version = self.post(client, text).json()
        assert (version["digest"], version["format"]) == (f"{digest(named)}.dir", "csv")
        client.delete(url(version["digest"]))
        assert client.get(url(version["digest"])).content == named

    def test_what_was_not_pushed_here(self, client: httpx.Client) -> None:
        push(client, b"x", "b")
        push(client, b"y")
        text = f"outs:\n- md5: {digest(b'x')}\n  hash: md5\n  path: data.csv\n"
        body = refused(self.post(client, text), 409, "not_pushed")
        assert f"data.csv ({digest(b'x')})" in body["detail"]
        assert "dvc push" in body["fix"]

    def test_an_empty_folder_is_no_version(self, client: httpx.Client) -> None:
        push_listing(client, b"[]")
        text = f"outs:\n- md5: {digest(b'[]')}.dir\n  hash: md5\n  path: data\n"
        refused(self.post(client, text), 422, "no_files")

    def test_a_pointer_that_is_none(self, client: httpx.Client) -> None:
        push(client, b"x")
        body = refused(
            self.post(client, f"outs:\n- md5: {digest(b'x')}\n  hash: md5\n  path: ../x\n"), 422, "bad_pointer"
        )
        assert body["where"] == "outs.0.path"

    @pytest.mark.parametrize("source", [{"kind": "dvc"}, {"kind": "dvc", "pointer": ""}])
    def test_a_source_without_a_pointer(self, client: httpx.Client, source: dict[str, str]) -> None:
        push(client, b"x")
        answer = client.post("datasets/a/versions", json={"source": source})
        assert refused(answer, 422, "invalid_request")["where"] == "body.source.pointer"

    def test_files_and_a_pointer(self, client: httpx.Client) -> None:
        push(client, b"x")
        form = {"pointer": (None, b"x"), "files": ("a.csv", b"a")}
        refused(client.post("datasets/a/versions", files=form), 422, "bad_upload")
