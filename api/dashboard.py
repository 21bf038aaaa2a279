"""The built dashboard at `/`: hashed assets are kept by browsers, the page itself is asked for each time."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

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

    @app.get("/", include_in_schema=False)
    def dashboard() -> Response:
        if not page.is_file():
            return HTMLResponse(_MISSING)
        return FileResponse(page, headers={"Cache-Control": "no-cache"})

    if (directory / "assets").is_dir():
        app.mount("/assets", _Assets(directory=directory / "assets"))
