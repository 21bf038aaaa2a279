"""The seven chapters. Each does what a person would do, says what came of it, and checks it against what it told."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rich.text import Text

from cli.client import ClientError
from cli.demo.rides import Replay, Ride, between, damaged, known, replay, write_rides
from cli.demo.stage import Stage
from cli.nouns.predictions import draw_chain
from cli.tables import facts, number, table

NAME = "bikes"
PIPELINE = "bikes-retrain"
GATES = {"gate": "gate", "verdict": "verdict", "finding": "message"}


@dataclass
class Tale:
    """What later chapters need of earlier ones. `rides` is the whole table, 2011 and 2012."""

    rides: list[Ride]
    before: Replay = field(default_factory=Replay)
    after: Replay = field(default_factory=Replay)


def first_year(stage: Stage, tale: Tale) -> None:
    stage.chapter(1, "The year 2011 is version 1 of the dataset, and passes its checks")
    stage.client.post("datasets", body={"name": NAME, "description": "Rentals per hour, Capital Bikeshare"})
    stage.client.put("datasets", NAME, "check-suite", body=stage.document("suite.yaml"))
    year = between(tale.rides, "2011-01-01", "2011-12-31")
    version = stage.push(NAME, "bikes-2011.csv", partial(write_rides, rides=year), "the year 2011")
    checks = _results(stage, version)
    stage.say(f"{version['rows']:,} hours, digest {version['digest']} (as DVC computes it), {len(checks)} checks.")
    stage.expect(f"{NAME} version {version['number']} is {version['state']}.", holds=version["state"] == "validated")


def damaged_copy(stage: Stage, tale: Tale) -> None:
    stage.chapter(2, "A damaged copy is rejected, each reason named, and nothing is trained on it")
    year = between(tale.rides, "2011-01-01", "2011-12-31")
    version = stage.push(NAME, "bikes-2011-damaged.csv", partial(write_rides, rides=damaged(year)), "a broken export")
    failed = [one for one in _results(stage, version) if one["verdict"] == "fail"]
    stage.show(table(failed, {"failed check": "name", "finding": "message", "rows": "failing_count"}))
    stage.expect(
        f"{NAME} version {version['number']} is {version['state']}, for {len(failed)} reasons.",
        holds=version["state"] == "rejected" and len(failed) == 3,
    )
    stage.client.post("experiments", body={"name": NAME})
    spec = stage.document("train.yaml") | {"dataset": f"{NAME}@{version['number']}"}
    refusal = stage.refused(lambda: stage.client.post("experiments", NAME, "runs", body=spec))
    _show_refusal(stage, refusal)
    runs = stage.client.items("runs", limit=10)
    stage.expect(
        "Training on it is refused; no run was made.", holds=refusal.code == "dataset_version_rejected" and not runs
    )


def first_champion(stage: Stage, tale: Tale) -> None:
    stage.chapter(3, "A first model is trained, checked, promoted, and answers")
    policy = stage.document("policy.yaml")
    stage.client.post("models", body={"name": NAME, "task": "regression", "target": "cnt", "policy": policy})
    version = _train(stage, "train.yaml")
    promotion = stage.finished(stage.client.post("models", NAME, "versions", version["number"], "promotions"))
    _show_gates(stage, promotion)
    stage.expect(f"Version {version['number']} is the first champion.", holds=promotion["state"] == "applied")
    stage.client.put("endpoints", NAME, body=stage.document("endpoint.yaml"))
    stage.client.put("endpoints", NAME, "monitor", body=stage.document("monitor.yaml"))
    _live(stage, version["number"], tale.rides[0])
    answer = _ask(stage, tale.rides[0])
    stage.expect(
        f"/serve/{NAME}/predict answers: {answer['predictions'][0]:.0f} rentals, by version {answer['model_version']}.",
        holds=answer["model_version"] == version["number"],
    )


def summer(stage: Stage, tale: Tale) -> None:
    stage.chapter(4, "The summer of 2012 is replayed hour by hour, with what turned out to be true")
    # The pipeline first: from its first bad windows on, the governor may start it.
    half = between(tale.rides, "2012-01-01", "2012-06-30")
    stage.client.post("datasets", body={"name": "bikes-2012h1"})
    arrived = stage.push("bikes-2012h1", "bikes-2012h1.csv", partial(write_rides, rides=half), "January to June 2012")
    stage.client.post("datasets", body={"name": "bikes-traffic", "description": "Answered hours with their truth"})
    stage.client.put("pipelines", PIPELINE, body=stage.document("pipeline.yaml"))
    stage.say(f"Meanwhile January to June 2012 has come in ({arrived['rows']:,} hours, {arrived['state']}).")
    tale.before = _replay(stage, between(tale.rides, "2012-07-01", "2012-08-15"))
    model = stage.client.get("models", NAME, "versions", 1)
    was = model["metrics"]["test_mae"]
    stage.expect(
        f"Mean absolute error {tale.before.mae:.1f} rentals an hour; it was {was:.1f} on held-out hours of 2011.",
        holds=tale.before.mae > 2 * was,
    )


def refused_retrain(stage: Stage, tale: Tale) -> None:
    stage.chapter(5, "Drift is found and an alert opens; one retrain runs, does not help, and the champion stays")
    stage.until("an alert about quality", lambda: _alert(stage, "quality"))
    alerts = stage.client.items("alerts", limit=10, state="open")
    stage.show(table(alerts, {"alert": "kind", "why": "reason", "times": "occurrences"}))
    stage.expect(
        "Drift and a fall in quality are found.", holds={"drift", "quality"} <= {one["kind"] for one in alerts}
    )
    started = stage.until("the governor to start a retrain", lambda: _newest(stage, "RetrainStarted"))
    stage.say(f"Governor: {started['payload']['reason']}")
    run_path = ("pipeline-runs", started["payload"]["run_id"])
    run = stage.until("the retrain to end", lambda: _ended(stage.client.get(*run_path)))
    stage.show(table(run["steps"], {"step": "name", "state": "state", "what came of it": "reason"}))
    promotion = stage.client.get("promotions", _output(run, "promote")["promotion_id"])
    _show_gates(stage, promotion)
    champion = next(gate for gate in promotion["decision"]["gates"] if gate["gate"] == "champion")
    stage.expect(
        f"The gate says of the retrained version {promotion['version']}: not better. Version 1 stays champion.",
        holds=champion["verdict"] == "fail" and stage.client.get("models", NAME)["champion"] == 1,
    )
    tale.before = tale.before.then(_replay(stage, between(tale.rides, "2012-08-16", "2012-08-31")))
    refusals = stage.until("the governor to refuse another", lambda: _refusals(stage, "cooldown"))
    stage.show(table(refusals, {"governor refused": "rule", "times": "times", "because": "reason"}))
    started_all = stage.client.items("events", limit=100, type="RetrainStarted")
    stage.expect("One retrain was started, and only one.", holds=len(started_all) == 1)


def year_as_feature(stage: Stage, tale: Tale) -> None:
    stage.chapter(6, "A second training, with the year as a feature, passes the gate and takes over")
    version = _train(stage, "train-with-year.yaml")
    promotion = stage.finished(stage.client.post("models", NAME, "versions", version["number"], "promotions"))
    _show_gates(stage, promotion)
    stage.expect(
        f"The gate lets version {version['number']} pass.", holds=(promotion["decision"] or {}).get("verdict") == "pass"
    )
    rollout = _live(stage, version["number"], tale.rides[0])
    blue = f"version {rollout['blue_version']}, which stays warm"
    stage.show(facts({"green": f"version {rollout['version']}", "blue": blue, "probe": rollout["probe"]}))
    tale.after = _replay(stage, between(tale.rides, "2012-09-01", "2012-09-30"))
    stage.expect(
        f"Mean absolute error {tale.after.mae:.1f}, after {tale.before.mae:.1f} in July and August: "
        f"down by {1 - tale.after.mae / tale.before.mae:.0%}, more than half.",
        holds=tale.after.mae < tale.before.mae / 2 and tale.after.versions == {version["number"]},
    )


def back_and_forth(stage: Stage, tale: Tale) -> None:
    stage.chapter(7, "Roll back, roll forward, and where one prediction comes from")
    last = tale.rides[-1]
    newest = stage.client.get("models", NAME)["champion"]
    stage.client.post("endpoints", NAME, "rollback", body={"reason": "to show that it can be done"})
    answer = stage.until("version 1 to answer", lambda: _answered_by(stage, last, 1))
    stage.expect(f"Rolled back: version {answer['model_version']} answers again.", holds=answer["model_version"] == 1)
    same = _replay(stage, between(tale.rides, "2012-09-01", "2012-09-30"))
    stage.expect(
        f"On the same September its error is {same.mae:.1f}, not {tale.after.mae:.1f}: the switch was right.",
        holds=same.mae > 2 * tale.after.mae and same.versions == {1},
    )
    refusal = stage.refused(lambda: stage.client.post("endpoints", NAME, "rollback"))
    _show_refusal(stage, refusal)
    stage.expect("A second rollback in a row is refused.", holds=refusal.code == "nothing_to_roll_back")
    job = stage.client.post("endpoints", NAME, "rollouts", body={"version": newest})
    stage.session.wait(job["id"])
    answer = stage.until(f"version {newest} to answer", lambda: _answered_by(stage, last, newest))
    stage.expect(f"Rolled forward: version {answer['model_version']} answers.", holds=answer["model_version"] == newest)
    chain = stage.session.ask("predictions", tale.after.ids[-1], "lineage")
    stage.say("\nWhere the last answer of September comes from:")
    stage.show(draw_chain(chain))
    nouns = {link["noun"] for link in chain["links"]}
    stage.expect(
        "The chain leads from the answer to the model, the decision, the run, the data and its checks.",
        holds={"prediction", "model_version", "promotion", "run", "dataset_version", "data_checks"} <= nouns,
    )


CHAPTERS: list[Callable[[Stage, Tale], None]] = [
    first_year,
    damaged_copy,
    first_champion,
    summer,
    refused_retrain,
    year_as_feature,
    back_and_forth,
]


def _results(stage: Stage, version: dict[str, Any]) -> list[dict[str, Any]]:
    report = stage.client.get("datasets", NAME, "versions", version["number"], "checks")
    found: list[dict[str, Any]] = report["results"]
    return found


def _train(stage: Stage, document: str) -> dict[str, Any]:
    """Train as the document says, and wait for the version and its checks."""
    spec = stage.document(document) | {"code_commit": stage.code_commit()}
    run = stage.finished(stage.client.post("experiments", NAME, "runs", body=spec))

    def checked() -> dict[str, Any] | None:
        versions = stage.client.items("models", NAME, "versions", limit=10)
        found = next((one for one in versions if one["run_id"] == run["id"]), None)
        return found if found and found["state"] == "checked" else None

    version = stage.until("the model checks", checked)
    figures = {name: value for name, value in run["metrics"].items() if name.endswith("_mae")}
    stage.show(
        facts(
            {
                "trained": f"{run['trainer']} on {run['dataset']} version {run['dataset_version']}",
                "features": spec["features"],
                "version": f"{NAME} version {version['number']}, {version['state']}",
                "error": ", ".join(f"{name} {number(value)}" for name, value in figures.items()),
                "served as": f"{version['flavor']}: {version['package']['reason']}",
            }
        )
    )
    return version


def _show_gates(stage: Stage, promotion: dict[str, Any]) -> None:
    decision = promotion["decision"] or {"gates": []}
    stage.show(table(decision["gates"], GATES, empty=promotion["reason"] or "No decision."))


def _show_refusal(stage: Stage, refusal: ClientError) -> None:
    stage.show(Text(f"refused: {refusal.message} {refusal.fix or ''}", style="yellow"))


def _live(stage: Stage, version: int, ride: Ride) -> dict[str, Any]:
    """The rollout of the version, once it answers (serving looks for new routes a few times a second)."""

    def live() -> dict[str, Any] | None:
        rollouts = stage.client.items("endpoints", NAME, "rollouts", limit=10)
        found = next((one for one in rollouts if one["version"] == version), None)
        return found if found and found["state"] not in {"preparing", "verifying"} else None

    rollout = stage.until(f"version {version} to be loaded, probed and switched to", live)
    stage.expect(f"Rollout of version {version}: {rollout['state']}.", holds=rollout["state"] == "switched")
    stage.until(f"version {version} to answer", lambda: _answered_by(stage, ride, version))
    return rollout


def _replay(stage: Stage, rides: list[Ride]) -> Replay:
    first, last = rides[0]["dteday"], rides[-1]["dteday"]
    result = Replay()
    with stage.waiting(f"replaying from {first} on") as update:
        for result in replay(stage.client, NAME, rides):
            update(f"{result.hours:,} of {len(rides):,} hours, error {result.mae:.1f}")
    speed = result.hours / result.seconds
    stage.say(
        f"{first} to {last}: {result.hours:,} requests, one for each hour, {speed:.0f} a second on one connection, "
        f"answered by version {', '.join(map(str, sorted(result.versions)))}: mean absolute error {result.mae:.1f}."
    )
    return result


def _ask(stage: Stage, ride: Ride) -> dict[str, Any]:
    answer: dict[str, Any] = stage.client.post("/serve", NAME, "predict", body={"instances": [known(ride)]})
    return answer


def _answered_by(stage: Stage, ride: Ride, version: int) -> dict[str, Any] | None:
    try:
        answer = _ask(stage, ride)
    except ClientError as error:
        if error.code != "no_live_version":
            raise
        return None
    return answer if answer["model_version"] == version else None


def _alert(stage: Stage, kind: str) -> dict[str, Any] | None:
    return next((one for one in stage.client.items("alerts", limit=10, state="open") if one["kind"] == kind), None)


def _newest(stage: Stage, kind: str) -> dict[str, Any] | None:
    return next(iter(stage.client.items("events", limit=1, type=kind)), None)


def _ended(run: dict[str, Any]) -> dict[str, Any] | None:
    return None if run["state"] in {"pending", "running"} else run


def _output(run: dict[str, Any], step: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one["output"] for one in run["steps"] if one["name"] == step)
    return found


def _refusals(stage: Stage, rule: str) -> list[dict[str, Any]] | None:
    """All refusals by rule with the newest reason of each; None until there is one by `rule`."""
    payloads = [event["payload"] for event in stage.client.items("events", limit=100, type="RetrainRefused")]
    times = Counter(payload["rule"] for payload in payloads)
    newest = {payload["rule"]: payload for payload in reversed(payloads)}
    return [{**payload, "times": times[name]} for name, payload in newest.items()] if rule in times else None
