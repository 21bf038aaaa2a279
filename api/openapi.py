"""`python -m api.openapi FILE`: the API's description as a file, for `make openapi` and the clients made from it."""

import json
import sys
from pathlib import Path

from fastapi import FastAPI

from api.description import described
from api.examples import exemplify
from api.main import make_app
from api.naming import told_apart


def document() -> str:
    """OpenAPI as JSON text; the same code gives the same text on every machine."""
    app = make_app()
    made = exemplify(told_apart(described(FastAPI.openapi(app), app.routes)))
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
