"""What may be the address of a repository, and when two are the same."""

import pytest

from domain.repositories.addresses import BadAddress, key_of, parse_address


@pytest.mark.parametrize(
    ("text", "kind", "host", "port", "path"),
    [
        ("https://forge.example/team/data.git", "https", "forge.example", 443, "/team/data.git"),
        ("https://Forge.Example:8443/data", "https", "forge.example", 8443, "/data"),
        ("http://10.0.0.5/data", "http", "10.0.0.5", 80, "/data"),
        ("ssh://git@forge.example:2222/team/data", "ssh", "forge.example", 2222, "/team/data"),
        ("git@forge.example:team/data.git", "ssh", "forge.example", 22, "team/data.git"),
        ("forge.example:data", "ssh", "forge.example", 22, "data"),
        ("/srv/git/data.git", "local", "", 0, "/srv/git/data.git"),
        ("file:///srv/git/my%20data", "local", "", 0, "/srv/git/my data"),
    ],
)
def test_good_ones_are_understood(text: str, kind: str, host: str, port: int, path: str) -> None:
    found = parse_address(text)
    assert (found.kind, found.host, found.port, found.path) == (kind, host, port, path)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "team",
            "./team",
            "../team",
            "~/team",
            "/srv/../etc",
            "https:///x",
            "https://forge.example",
            "https://",
        ),
        *("--upload-pack=touch x", "-oProxyCommand=x", "ssh://-oProxyCommand=x/y", "git@-oProxyCommand=x:y"),
        *("git@forge.example:-x", "https://forge.example/-x", "ssh://-x@forge.example/y"),
        *("ext::sh -c touch% x", "ext::sh", "fd::7", "git://forge.example/x", "ftp://forge.example/x", "EXT::x"),
        *("https://user:token@forge.example/x", "https://token@forge.example/x", "ssh://git:secret@forge.example/x"),
        *("https://forge.example/x?a=b", "https://forge.example/x#y", "https://forge.example/x\n", "https://for ge/x"),
        *(
            "https://forge.example/\u200bx",
            "https://forge.example:99999/x",
            "https://[::1/x",
            "file://host/x",
            "file:x",
        ),
        *("https://f\u043ege.example/x", "C:\\repos\\x", "https://" + "a" * 2_000),
    ],
)
def test_bad_ones_are_refused(text: str) -> None:
    with pytest.raises(BadAddress, match="is no address"):
        parse_address(text)


def test_a_refusal_shows_no_secret() -> None:
    with pytest.raises(BadAddress) as refused:
        parse_address("https://user:s3cret@forge.example/x")
    assert "s3cret" not in refused.value.message


def test_one_repository_has_one_key() -> None:
    same = [
        "https://forge.example/Team/data.git",
        "https://forge.example:443/team/data/",
        "git@forge.example:team/data.git",
        "ssh://git@forge.example/team/data",
    ]
    assert {key_of(text) for text in same} == {"forge.example/team/data"}
    assert key_of("https://forge.example:8443/team/data") != key_of(same[0])
    assert key_of("nonsense") is None
