"""`python -m api.openapi FILE`: the API's description as a file, for `make openapi` and the clients made from it."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI

from adapters.runtime import open_runtime
from adapters.settings import Settings
from api.description import described
from api.examples import exemplify
from api.main import create_app
from api.naming import told_apart


def document() -> str:
    """OpenAPI as JSON text; the same code gives the same text on every machine."""
    with TemporaryDirectory() as home:
        runtime = open_runtime(Settings(home=Path(home), database_url="", store_url="", model_store_url=""))
        try:
            app = create_app(runtime)
            made = exemplify(told_apart(described(FastAPI.openapi(app), app.routes)))
            return json.dumps(made, indent=2, ensure_ascii=False) + "\n"
        finally:
            runtime.close()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
