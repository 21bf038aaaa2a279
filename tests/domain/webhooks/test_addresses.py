"""Where webhooks are sent to, and where they are not."""

from ipaddress import ip_address

import pytest

from domain.webhooks.addresses import AddressRefused, BadWebhookUrl, checked_url, refuse_address, refuse_literal

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]
PRIVATE = ["10.0.0.1", "192.168.1.1", "172.16.0.1", "127.0.0.1", "::1", "fd12::1", "100.64.0.1", "::ffff:10.0.0.1"]
NEVER = [
    *("169.254.169.254", "169.254.0.1", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"),
    *("fd00:ec2::254", "100.100.100.200", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"),  # noqa: S104  # refused, not bound
]


class TestAddress:
    @pytest.mark.parametrize("private", [True, False])
    @pytest.mark.parametrize("address", PUBLIC)
    def test_that_is_public_is_sent_to(self, address: str, private: bool) -> None:
        refuse_address(ip_address(address), private=private)

    @pytest.mark.parametrize("address", PRIVATE)
    def test_that_is_private_is_sent_to_where_it_is_allowed(self, address: str) -> None:
        refuse_address(ip_address(address), private=True)
        with pytest.raises(AddressRefused) as refused:
            refuse_address(ip_address(address), private=False)
        assert "MILLRACE_WEBHOOKS_PRIVATE" in str(refused.value.fix)

    @pytest.mark.parametrize("private", [True, False])
    @pytest.mark.parametrize("address", NEVER)
    def test_of_metadata_or_of_nobody_is_never_sent_to(self, address: str, private: bool) -> None:
        with pytest.raises(AddressRefused):
            refuse_address(ip_address(address), private=private)


class TestUrl:
    @pytest.mark.parametrize("url", ["https://a.example", "http://a.example:8080/x?y=1", "http://[::1]:9/x"])
    def test_of_a_receiver_is_taken(self, url: str) -> None:
        assert checked_url(url).hostname

    @pytest.mark.parametrize(
        "url",
        [
            *("ftp://a/b", "file:///etc/passwd", "javascript:alert(1)", "a.example/x", "https://", "https:///x", ""),
            *(
                "https://me:secret@a.example",
                "http://a:0/",
                "http://a:99999/",
                "http://a b/",
                "http://[::1/",
                "http://a\n/",
            ),
        ],
    )
    def test_that_is_none_is_refused_and_not_repeated(self, url: str) -> None:
        with pytest.raises(BadWebhookUrl) as refused:
            checked_url(url)
        assert "secret" not in refused.value.message

    def test_with_an_address_is_judged_at_once(self) -> None:
        refuse_literal("http://localhost/x", private=False)  # a name: looked up when it is sent
        with pytest.raises(AddressRefused):
            refuse_literal("http://[::ffff:169.254.169.254]/x", private=True)
