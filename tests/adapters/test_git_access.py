"""Addresses of the machine itself and of its network are refused, however they are written."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.git_access import AddressRefused, GitAccess, HostUnknown
from domain.repositories.addresses import parse_address

INTERNAL = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1"),
    *(
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1%eth0",
    ),
]


def resolving(*addresses: str) -> GitAccess:
    def resolve(_: str, __: int) -> Sequence[str]:
        return addresses

    return GitAccess(hosts=frozenset({"git.corp.example", "127.0.0.1:3000"}), resolve=resolve)


class TestRefuse:
    @pytest.mark.parametrize(
        "text",
        [
            *(
                "https://127.0.0.1/x",
                "https://[::1]/x",
                "https://localhost/x",
                "https://a.localhost/x",
                "https://server/x",
            ),
            *(
                "git@10.0.0.5:x",
                "ssh://git@169.254.169.254/x",
                "https://metadata.google.internal/x",
                "https://127.0.0.1:3001/x",
            ),
            *("/etc", "file:///etc/passwd", "http://forge.example/x"),
        ],
    )
    def test_what_is_internal_local_or_open_to_all(self, text: str) -> None:
        with pytest.raises(AddressRefused) as refused:
            resolving("9.9.9.9").refuse(parse_address(text))
        assert refused.value.fix

    @pytest.mark.parametrize(
        "text", ["https://forge.example/x", "http://127.0.0.1:3000/x", "https://git.corp.example/x", "git@9.9.9.9:x"]
    )
    def test_not_what_is_public_or_named(self, text: str) -> None:
        resolving("9.9.9.9").refuse(parse_address(text))


class TestPinned:
    @pytest.mark.parametrize("address", INTERNAL)
    def test_a_name_that_resolves_to_an_internal_address_is_refused(self, address: str) -> None:
        with pytest.raises(AddressRefused, match="internal address"):
            resolving("9.9.9.9", address).pinned("forge.example", 443)

    @pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "127.1"])
    def test_an_odd_way_to_write_one_is_refused(self, host: str) -> None:
        with pytest.raises(AddressRefused):
            GitAccess().pinned(host, 443)

    def test_is_what_was_looked_at(self) -> None:
        assert resolving("9.9.9.9", "2606:4700::1").pinned("forge.example", 443) == "9.9.9.9"

    def test_is_none_for_a_host_that_the_settings_name(self) -> None:
        assert resolving("10.0.0.1").pinned("git.corp.example", 443) is None

    def test_a_name_that_is_none_may_be_tried_again(self) -> None:
        def fail(_: str, __: int) -> Sequence[str]:
            raise OSError(-2, "Name or service not known")

        with pytest.raises(HostUnknown, match=r"forge\.example"):
            GitAccess(resolve=fail).pinned("forge.example", 443)


class TestFolders:
    def test_only_what_is_below_an_allowed_one(self, tmp_path: Path) -> None:
        access = GitAccess(folders=[tmp_path / "repos"])
        (tmp_path / "repos" / "team").mkdir(parents=True)
        assert access.refuse_folder(tmp_path / "repos" / "team") == (tmp_path / "repos" / "team").resolve()
        for other in (tmp_path, tmp_path / "repos2", tmp_path / "other", Path("/etc")):
            with pytest.raises(AddressRefused):
                access.refuse_folder(other)

    def test_a_link_out_of_it_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "repos").mkdir()
        (tmp_path / "repos" / "team").symlink_to("/etc")
        with pytest.raises(AddressRefused, match="is a link out of"):
            GitAccess(folders=[tmp_path / "repos"]).refuse_folder(tmp_path / "repos" / "team")
