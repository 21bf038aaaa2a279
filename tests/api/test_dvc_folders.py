"""The remote's folders as WebDAV lists them, for `dvc gc -c`."""

from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.api.answers import put_version, refused
from tests.api.dvc_wire import ROOT, digest, push

DAV = "{DAV:}"


def ask(client: httpx.Client, path: str, depth: str | None = "1", **headers: str) -> httpx.Response:
    if depth is not None:
        headers["Depth"] = depth
    return client.request("PROPFIND", f"{ROOT}/dvc/{path}", headers=headers)


def listed(answer: httpx.Response) -> dict[str, str | None]:
    """Each path, and the length of what is no folder."""
    assert (answer.status_code, answer.headers["content-type"]) == (207, "application/xml")
    found = {}
    for one in ET.fromstring(answer.text):  # noqa: S314  # our own answer
        folder = one.find(f".//{DAV}collection") is not None
        found[one.findtext(f"{DAV}href") or ""] = None if folder else one.findtext(f".//{DAV}getcontentlength")
    return found


class TestPropfind:
    @pytest.fixture(autouse=True)
    def objects(self, client: httpx.Client) -> None:
        push(client, b"x")
        push(client, b"yy")
        push(client, b"z", "b")

    def test_walks_from_the_root_to_an_object(self, client: httpx.Client) -> None:
        x, y = digest(b"x"), digest(b"yy")
        top = "/dvc/a/files/md5"
        for root in ("a", "a/"):
            assert listed(ask(client, root)) == {"/dvc/a/": None, "/dvc/a/files": None}
        assert listed(ask(client, "a/files")) == {"/dvc/a/files": None, top: None}
        assert listed(ask(client, "a/files/md5")) == {top: None, f"{top}/{x[:2]}": None, f"{top}/{y[:2]}": None}
        found = ask(client, f"a/files/md5/{y[:2]}/")
        assert listed(found) == {f"{top}/{y[:2]}": None, f"{top}/{y[:2]}/{y[2:]}": "2"}
        assert listed(ask(client, f"a/files/md5/{y[:2]}/{y[2:]}")) == {f"{top}/{y[:2]}/{y[2:]}": "2"}
        modified = ET.fromstring(found.text).findtext(f".//{DAV}getlastmodified")  # noqa: S314
        assert parsedate_to_datetime(modified or "").year >= 2026

    @pytest.mark.parametrize("depth", [None, "0", "infinity"])
    def test_only_what_was_asked_about_without_a_depth_of_one(self, client: httpx.Client, depth: str | None) -> None:
        assert listed(ask(client, "a/files/md5", depth)) == {"/dvc/a/files/md5": None}

    @pytest.mark.parametrize(
        "path",
        ["a/00", "a/files/md4", "a/files/md5/zz", "a/files/md5/0", "a/files/md5/%25%25", "a/files/md5/__",
         "a/files/md5/x/y/z", "a/files/md5/00/%00"],
    )  # fmt: skip
    def test_nothing_there(self, client: httpx.Client, path: str) -> None:
        refused(ask(client, path), 404, "unknown_object")

    def test_no_such_dataset(self, client: httpx.Client) -> None:
        refused(ask(client, "zz/files/md5"), 404, "unknown_dataset")

    def test_what_only_a_version_has_is_not_dvcs_to_delete(self, client: httpx.Client) -> None:
        version = put_version(client, "a", b"a\n1\n")
        refused(ask(client, f"a/files/md5/{version['digest'][:2]}"), 404, "unknown_object")

    def test_needs_a_token(self, client: httpx.Client) -> None:
        refused(ask(client, "a/files/md5", Authorization="Bearer mlr_wrong"), 401, "unauthenticated")
