"""What MLflow has of a run as the API shows it: curves, and files that a browser may safely be given."""

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

import httpx
from fastapi.responses import StreamingResponse

from api.schemas.runs import ArtifactRead, Curve, MetricRead, NotFinite

# MLflow's database has no infinity and keeps the largest number there is.
_LARGEST: Final = 1.7976931348623157e308
_TEXT: Final = "text/plain; charset=utf-8"
# What a browser shows and never runs; anything else is for saving.
_SHOWN: Final = {
    ".csv": "text/csv; charset=utf-8",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".png": "image/png",
    ".webp": "image/webp",
    **dict.fromkeys((".ini", ".log", ".md", ".py", ".toml", ".tsv", ".txt", ".yaml", ".yml"), _TEXT),
}
_SHOWN_NAMES: Final = {"MLmodel": _TEXT}
_POLICY: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"


def read_metric(found: dict[str, Any]) -> MetricRead:
    value, odd = _number(found["value"])
    return MetricRead(key=found["key"], value=value, not_finite=odd, step=_step(found), at=_time(found))


def read_curve(key: str, history: list[dict[str, Any]]) -> Curve:
    numbers = [_number(point["value"]) for point in history]
    return Curve(
        key=key,
        steps=[_step(point) for point in history],
        values=[value for value, _ in numbers],
        at=[_time(point) for point in history],
        not_finite={place: odd for place, (_, odd) in enumerate(numbers) if odd is not None},
    )


def read_artifact(found: dict[str, Any]) -> ArtifactRead:
    is_dir = bool(found.get("is_dir"))
    return ArtifactRead(path=found["path"], is_dir=is_dir, bytes=None if is_dir else int(found.get("file_size", 0)))


def artifact_response(path: str, answer: httpx.Response) -> StreamingResponse:
    """The bytes as they arrive: pictures and text to be shown, everything else to be saved."""
    name = PurePosixPath(path).name
    shown = _SHOWN_NAMES.get(name) or _SHOWN.get(PurePosixPath(name).suffix.lower())
    way = "inline" if shown else "attachment"
    headers = {
        "Content-Disposition": f"{way}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "private, no-cache",
    }
    for kept in ("content-length", "content-encoding"):
        if kept in answer.headers:
            headers[kept] = answer.headers[kept]
    return StreamingResponse(stream(answer), headers=headers, media_type=shown or "application/octet-stream")


async def stream(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The bytes of an answer as MLflow sends them, compressed or not."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


def _number(value: Any) -> tuple[float | None, NotFinite | None]:
    number = float(value)  # of "NaN" and "Infinity" too
    if math.isnan(number):
        return None, "nan"
    if abs(number) >= _LARGEST:
        return None, "inf" if number > 0 else "-inf"
    return number, None


def _step(point: dict[str, Any]) -> int:
    return int(point.get("step", 0))


def _time(point: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(min(max(int(point.get("timestamp", 0)), 0), 253_402_300_799_000) / 1000, UTC)
