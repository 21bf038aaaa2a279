"""The API answers with the dashboard's page at each address that the dashboard has, and at no other."""

import re
from pathlib import Path

from api.dashboard import PLACES

ROUTER = Path(__file__).parents[2] / "frontend" / "src" / "routes" / "router.tsx"


def addresses() -> list[str]:
    """Those of the router: `/`, `/datasets/$name`."""
    return re.findall(r'path: "(/[^"]*)"', ROUTER.read_text())


def test_every_page_can_be_opened_by_its_address() -> None:
    assert len(addresses()) > len(PLACES)
    assert {address.split("/")[1] for address in addresses()} - {""} == set(PLACES)
