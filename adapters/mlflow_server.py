"""MLflow's server as the API speaks to it: requests passed on as streams, and a few questions about one run.

Without MLflow's own client, which costs seconds to import. Asked by run id only: it is never searched while somebody
waits for an answer.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import quote, urljoin, urlsplit

import httpx

from domain.errors import Invalid, NotFound, Unavailable

# Of these, MLflow keeps the root of the server for its streaming route, whatever its prefix: below the prefix an
# upload is held in memory whole.
_STREAMED: Final = ("api/2.0/mlflow-artifacts/artifacts/", "ajax-api/2.0/mlflow-artifacts/artifacts/")
_UNQUOTED: Final = "/:@!$&'()*+,;=~-._"
_CONNECTIONS: Final = 64
# MLflow closes a connection that was idle for 5 seconds: one that is about to be closed is not used again.
_IDLE_SECONDS: Final = 2.0
_CONNECT_SECONDS: Final = 3.0
_ASK_SECONDS: Final = 10.0
_PASS_SECONDS: Final = 300.0
_ROWS: Final = 1_000
_API: Final = "api/2.0/mlflow/"
_FILES: Final = "ajax-api/2.0/mlflow/logged-models/"
_MODELS: Final = "models/"


class TrackingAway(Unavailable):
    code = "tracking_away"


class NoTracking(Unavailable):
    """No MLflow server is named in the settings."""

    code = "tracking_not_configured"


class NotRecorded(NotFound):
    """MLflow has no such run, or the run no such file."""

    code = "not_recorded"


class RefusedByTracking(Invalid):
    code = "tracking_refused"


@dataclass(frozen=True)
class TrackedMeasurements:
    """`metrics` has the last value of each: `key`, `value`, `step`, `timestamp` (milliseconds); `models` are ids."""

    metrics: list[dict[str, Any]]
    models: list[str]


class MlflowServer:
    """One MLflow server at `url`, its prefix included. Connections are shared; `aclose` ends them.

    Every method raises `NoTracking` when the url is empty, and `TrackingAway` when nothing answers in time.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        # The bare transport: no redirects are followed, no cookies kept, no proxy taken from the environment.
        secure = urlsplit(self._url).scheme == "https"
        self._transport = httpx.AsyncHTTPTransport(
            verify=httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS),
            retries=1,
        )

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | AsyncIterator[bytes] | None = None,
        seconds: float = _PASS_SECONDS,
    ) -> httpx.Response:
        """The answer to a request, its body still to be read; the caller closes it.

        `path` is below the prefix and decoded. `seconds` bounds each wait for bytes, not the whole of a stream.
        """
        request = httpx.Request(
            method,
            self._address(path) + (f"?{query}" if query else ""),
            headers=headers,
            content=body,
            extensions={
                "timeout": {"connect": _CONNECT_SECONDS, "pool": _ASK_SECONDS, "read": seconds, "write": seconds}
            },
        )
        try:
            return await self._transport.handle_async_request(request)
        except httpx.TransportError as error:
            raise _away() from error

    def public_path(self, location: str, *, asked: str) -> str | None:
        """The path below the prefix that a `Location` in the answer to `asked` means; None when it is elsewhere."""
        target = urljoin(self._address(asked), location)
        return target.removeprefix(f"{self._url}/") if target.startswith(f"{self._url}/") else None

    async def run(self, run_id: str) -> TrackedMeasurements:
        """What MLflow has of the run, but for histories and files."""
        found = (await self._ask("runs/get", {"run_id": run_id}))["run"]
        models = found.get("outputs", {}).get("model_outputs", [])
        return TrackedMeasurements(found["data"].get("metrics", []), [str(model["model_id"]) for model in models])

    async def history(self, run_id: str, key: str, *, points: int) -> list[dict[str, Any]]:
        """The values of a metric in the order of their steps: evenly thinned to `points`, first and last kept."""
        asked = {"run_ids": run_id, "metric_key": key, "max_results": str(points)}
        metrics: list[dict[str, Any]] = (await self._ask("metrics/get-history-bulk-interval", asked)).get("metrics", [])
        return metrics

    async def artifacts(self, run_id: str, path: str) -> list[dict[str, Any]]:
        """What is in a folder of the run's artifacts: `path`, `is_dir`, `file_size`. At most 1,000.

        A model that the run has logged is a folder `models/ID`: MLflow keeps it beside the run.
        """
        model, inner = await self._model_of(run_id, path)
        if model is not None:
            asked = {"artifact_directory_path": inner} if inner else {}
            found = await self._ask(f"logged-models/{model}/artifacts/directories", asked)
            return [{**one, "path": f"{_MODELS}{model}/{one['path']}"} for one in found.get("files", [])[:_ROWS]]
        found = await self._ask("artifacts/list", {"run_id": run_id, "path": path} if path else {"run_id": run_id})
        files: list[dict[str, Any]] = found.get("files", [])[:_ROWS]
        if path:
            return files
        models = (await self.run(run_id)).models
        return files + [{"path": f"{_MODELS}{model}", "is_dir": True} for model in models]

    async def open_artifact(self, run_id: str, path: str) -> httpx.Response:
        """A file of the run, its bytes still to be read; the caller closes it."""
        model, inner = await self._model_of(run_id, path)
        if model is not None:
            asked, query = f"{_FILES}{model}/artifacts/files", f"artifact_file_path={quote(inner, safe='')}"
        else:
            asked, query = "get-artifact", f"run_id={quote(run_id, safe='')}&path={quote(path, safe='')}"
        answer = await self.send("GET", asked, query=query)
        if not answer.is_success:
            await _refuse(answer)
        return answer

    async def _model_of(self, run_id: str, path: str) -> tuple[str | None, str]:
        """The logged model of the run that the path leads into, and the path in it."""
        model, _, inner = path.removeprefix(_MODELS).partition("/")
        if not path.startswith(_MODELS) or model not in (await self.run(run_id)).models:
            return None, path
        return model, inner

    async def _ask(self, question: str, params: Mapping[str, str]) -> dict[str, Any]:
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in params.items())
        answer = await self.send("GET", _API + question, query=query, seconds=_ASK_SECONDS)
        if not answer.is_success:
            await _refuse(answer)
        try:
            await answer.aread()
        except httpx.TransportError as error:
            raise _away() from error
        finally:
            await answer.aclose()
        found: dict[str, Any] = answer.json()
        return found

    def _address(self, path: str) -> str:
        if not self._url:
            raise NoTracking(
                "This installation has no MLflow server.",
                where="mlflow",
                fix="Set MILLRACE_MLFLOW_URL to its address, or leave it to `millrace up`, which starts one.",
            )
        parts = urlsplit(self._url)
        base = f"{parts.scheme}://{parts.netloc}" if path.startswith(_STREAMED) else self._url
        return f"{base}/{quote(path, safe=_UNQUOTED)}"


def _away() -> TrackingAway:
    return TrackingAway(
        "MLflow does not answer.", where="mlflow", fix="Is its server running? See MILLRACE_MLFLOW_URL."
    )


async def _refuse(answer: httpx.Response) -> NoReturn:
    """Raise what an answer that is not a success means."""
    try:
        await answer.aread()
    except httpx.TransportError as error:
        raise _away() from error
    finally:
        await answer.aclose()
    try:
        message = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        message = f"status {answer.status_code}"
    if answer.status_code == 404:
        raise NotRecorded(f"MLflow has it not: {message}", where="mlflow")
    if answer.status_code >= 500:
        raise TrackingAway(f"MLflow has trouble: {message}", where="mlflow", fix="Its log says more.")
    raise RefusedByTracking(f"MLflow refuses: {message}", where="mlflow")
