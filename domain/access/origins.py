"""Whether a browser's request was made by a page of ours: for what a cookie alone says."""

from urllib.parse import urlsplit


def is_same_origin(*, fetch_site: str | None, origin: str | None, host: str | None) -> bool:
    """By `Sec-Fetch-Site` where the browser sends it, else by `Origin` against `Host`; with neither it is not.

    `SameSite` cookies are not enough: another port of the same machine is another origin of the same site.
    """
    if fetch_site:
        return fetch_site == "same-origin"
    return bool(origin) and urlsplit(origin).netloc == host
