"""The dashboard's session: the cookie, and whether a request that brings it was made by a page of ours."""

from typing import Final

COOKIE: Final = "millrace_token"


def is_same_origin(*, fetch_site: str | None, origin: str | None, host: str | None) -> bool:
    """By `Sec-Fetch-Site` where the browser sends it, else by `Origin` against `Host`; with neither it is not.

    `SameSite` cookies are not enough: another port of the same machine is another origin of the same site.
    """
    if fetch_site:
        return fetch_site == "same-origin"
    return bool(host) and (origin or "").partition("://")[2] == host
