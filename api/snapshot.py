"""The API's description as it is served: the committed one, which a test holds to the routes (`make openapi`).

Making it reads the code of all routes, which takes seconds and tens of megabytes: no server has to.
"""

import json
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

SNAPSHOT: Final = Path(__file__).with_name("openapi.json")


class DescribedApp(FastAPI):
    """An application that is described by the snapshot."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            self.openapi_schema = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
        return self.openapi_schema
