"""The built dashboard at `/`: hashed assets are kept by browsers, the page itself is asked for each time."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

# The first part of each page's address, as in the dashboard's own router: the page finds the rest by itself.
PLACES = (
    "alerts",
    "batch-predictions",
    "compare",
    "datasets",
    "endpoints",
    "events",
    "experiments",
    "jobs",
    "lineage",
    "models",
    "monitoring",
    "pipeline-runs",
    "pipelines",
    "predictions",
    "promotions",
    "rollouts",
    "runs",
    "settings",
    "sweeps",
)
_MISSING = (
    "<!doctype html><title>Millrace</title><p>The dashboard has not been built here. Run <code>make dashboard</code>, "
    'or use the API: <a href="/docs">/docs</a>.</p>'
)


class _Assets(StaticFiles):
    """File names carry a hash of their content, so they never change."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def mount_dashboard(app: FastAPI, directory: Path) -> None:
    """Serve the page and its assets from `directory`; without a build, a page that says how to make one."""
    page = directory / "index.html"

    def dashboard() -> Response:
        if not page.is_file():
            return HTMLResponse(_MISSING)
        return FileResponse(page, headers={"Cache-Control": "no-cache"})

    for path in ("/", *(f"/{place}{rest}" for place in PLACES for rest in ("", "/{rest:path}"))):
        app.add_api_route(path, dashboard, include_in_schema=False)

    if (directory / "assets").is_dir():
        app.mount("/assets", _Assets(directory=directory / "assets"))
