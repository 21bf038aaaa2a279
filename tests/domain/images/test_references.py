"""Names of images: what is one, and what is not."""

import pytest

from domain.images.references import BadReference, parse_reference, parse_target

DIGEST = "sha256:" + "a" * 64


class TestParseReference:
    @pytest.mark.parametrize(
        ("text", "host", "repository", "version"),
        [
            ("localhost/base", "localhost", "base", "latest"),
            ("127.0.0.1:5000/a/b-c/d__e:3.1_x", "127.0.0.1:5000", "a/b-c/d__e", "3.1_x"),
            (f"Registry.Example/team/base:1@{DIGEST}", "registry.example", "team/base", DIGEST),
        ],
    )
    def test_takes_it_apart(self, text: str, host: str, repository: str, version: str) -> None:
        found = parse_reference(text, where="base")
        assert (found.host, found.repository, found.version) == (host, repository, version)

    @pytest.mark.parametrize(
        "text",
        [
            "", "base:1", "team/base:1", "host.x/", "host.x/Base", "host.x/a//b", "host.x/a:", "host.x/a:-t",
            "host.x/a:t\n",
            "host.x:99999/a", "host.x:0/a", "user:pw@host.x/a:1", "http://host.x/a:1", "host.x/../a",
            "host.x/a@sha256:12",
            "host.x/a:" + "t" * 129, "host.x/" + "a" * 255, "-host.x/a", "host.x/a?b=c", "host.x/ä",
        ],
    )  # fmt: skip
    def test_refuses_what_is_none(self, text: str) -> None:
        with pytest.raises(BadReference) as refused:
            parse_reference(text, where="base")
        assert (refused.value.where, "HOST/REPOSITORY:TAG" in (refused.value.fix or "")) == ("base", True)


class TestParseTarget:
    @pytest.mark.parametrize("text", ["host.x/a", f"host.x/a@{DIGEST}", f"host.x/a:1@{DIGEST}"])
    def test_wants_a_tag_and_no_digest(self, text: str) -> None:
        with pytest.raises(BadReference):
            parse_target(text, where="to")
