"""Looks side by side: one that hangs or falls over is told like any other finding."""

from threading import Event

import orjson
import pytest

from adapters.checkup import Finding
from adapters.runtime import Runtime
from api.doctor import look, look_at_routes, main, probes_of


def test_what_hangs_and_what_falls_over_are_told() -> None:
    never, found = Event(), list[Finding]()

    def hangs() -> Finding:
        never.wait(5)
        return Finding("slow", "ok", "late")

    def falls() -> Finding:
        raise RuntimeError("out of luck")

    well = Finding("well", "ok", "fine")
    look({"well": lambda: well, "slow": hangs, "odd": falls}, found.append, seconds=0.2)
    never.set()
    told = {one.part: one for one in found}
    assert (told["well"], told["slow"].state) == (well, "broken")
    assert told["odd"].why == "RuntimeError: out of luck"


def test_settings_that_are_not_valid_are_named(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("MILLRACE_TICK_SECONDS", "often")
    main()
    told = orjson.loads(capfdbinary.readouterr().out)
    assert (told["state"], told["fix"]) == ("broken", "unset MILLRACE_TICK_SECONDS")


def test_each_part_has_its_name(runtime: Runtime) -> None:
    for name, probe in probes_of(runtime.settings).items():
        if name not in {"broker", "mlflow"}:
            assert (probe().part, probe().state) == (name, "ok")


def test_routes_that_serving_cannot_read_are_named(runtime: Runtime) -> None:
    assert look_at_routes(runtime.settings).state == "ok"
    runtime.models.put("routes/bikes.json", b"{}")
    found = look_at_routes(runtime.settings)
    assert (found.state, "routes/bikes.json" in found.what) == ("broken", True)
