"""What `test_bad_input` sends: a good body for each route that takes one, and all that is odd to put in its place."""

import copy
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

RECIPE: Final = {"kind": "recipe", "concat": ["people@1"], "where": "age > 1", "unique": ["age"]}
TRAIN: Final = {
    "dataset": "people",
    "trainer": "linear",
    "task": "regression",
    "target": "age",
    "features": ["city"],
    "categorical": ["city"],
    "params": {"alpha": 1.0},
    "split": {"method": "time", "column": "age", "validation": 0.2, "test": 0.2},
    "seed": 3,
    "model": "m",
    "force": False,
    "code_commit": "0f3a9c1",
}
GATES: Final = {
    "gates": [
        {"gate": "metric", "metric": "mae", "max": 60},
        {"gate": "overfit", "max_ratio": 1.3},
        {"gate": "tolerance"},
        {"gate": "slices", "by": ["city"], "metric": "mae"},
        {"gate": "champion", "metric": "mae", "alpha": 0.05, "min_effect": 0.01, "on": "people@1"},
    ],
    "approval": "required",
}
TRIGGERS: Final = [
    {"on": "drift", "endpoint": "e"},
    {"on": "dataset_version", "dataset": "people"},
    {"on": "schedule", "every_seconds": 3600},
    {"on": "code", "repository": "team", "branch": "main", "paths": ["*.py"]},
]
BODIES: Final[dict[str, Any]] = {
    "push_model_image": {
        "to": "localhost:5000/team/m:1",
        "base": "localhost:5000/base:1",
        "platform": "linux/amd64",
        "endpoint": "m",
    },
    "create_dataset": {"name": "fresh", "description": "new"},
    "update_dataset": {"description": "changed"},
    "create_dataset_version": {"source": RECIPE, "message": "built"},
    "get_dataset_bundle": {"paths": ["people.csv"]},
    "pin_dataset_version": {"reason": "the paper cites it"},
    "create_verification": {"dataset": "people", "number": 1, "deep": True},
    "put_check_suite": {
        "checks": [
            {"check": "row_count", "min": 1, "severity": "warn"},
            {"check": "in_range", "column": "age", "min": 0, "max": 120},
            {"check": "schema", "columns": {"age": "integer"}},
            {"check": "in_set", "column": "city", "values": ["Rome", 1, None]},
            {"check": "expression", "where": "age > 1"},
            {"check": "drift", "against": 1},
            {"check": "statistic", "column": "age", "statistic": "mean", "min": 1},
            {
                "check": "great_expectations",
                "suite": {"expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "age"}}]},
            },
        ]
    },
    "put_dataset_recipe": {
        "concat": ["people"],
        "fit_on": "people@1",
        "follows": ["people"],
        "steps": [
            {"step": "fill", "column": "age", "method": "mean"},
            {"step": "clip", "columns": ["age"], "quantiles": [0.1, 0.9]},
            {"step": "replace", "column": "city", "values": {"Rome": None}},
            {"step": "join", "version": "people@1", "on": {"age": "age"}, "suffix": "_r"},
            {"step": "sample", "rows": 5, "seed": 1},
            {"step": "aggregate", "by": ["age"], "aggregates": {"n": {"function": "min", "column": "age"}}},
        ],
    },
    "quarantine_rows": {"clean": "people", "failing": "apart", "warnings": True, "column": "why", "message": "m"},
    "translate_check_suite": {
        "name": "team",
        "expectations": [
            {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "city", "value_set": ["Rome", 1]}},
            {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 3}, "severity": "info", "meta": {}},
        ],
        "meta": {},
    },
    "create_experiment": {"name": "fresh", "description": "new"},
    "start_run": TRAIN,
    "start_sweep": {
        "base": TRAIN | {"params": {"max_iter": 100}},
        "space": {"strength": {"min": 0.1, "max": 10.0, "scale": "log", "points": 3}, "max_iter": [100, 200]},
        "method": "random",
        "trials": 3,
        "seed": 1,
        "parallel": 2,
        "objective": {"metric": "mae", "goal": "min"},
        "max_seconds": 60.0,
        "patience": 3,
    },
    "reproduce_run": {"tolerance": 1e-6},
    "create_model": {
        "name": "fresh",
        "task": "regression",
        "target": "age",
        "description": "",
        "policy": {"approval": "required"},
    },
    "put_policy": GATES,
    "put_model_suite": {
        "lexicons": {"good": ["fine", "great"]},
        "checks": [
            {"check": "metric", "metric": "mae", "max": 60, "severity": "warn", "where": "x > 1"},
            {"check": "invariance", "change": {"kind": "noise", "columns": ["x"]}, "max_move": 0.1},
            {"check": "directional", "change": {"kind": "shift", "column": "x", "by": 1.0}, "direction": "increase"},
            {"check": "minimum_functionality", "rows": [{"instance": {"x": 1.0}, "expect": 1.0, "within": 0.5}]},
        ],
    },
    "run_model_checks": {"suite": "words", "dataset": "people@1", "fresh": True},
    "update_model": {
        "description": "d",
        "intended_use": "i",
        "limits": "l",
        "tags": {"team": "rides", "old": None},
        "outside_changes": "adopt",
    },
    "update_model_version": {"description": "d", "tags": {"team": "rides"}},
    "put_gate_drill_schedule": {"every_days": 7},
    "create_comparison": {"versions": [1, "m@2"], "datasets": ["d@1"], "where": ["x > 1"], "metric": "mae"},
    "add_model_version": {"run_id": "nope"},
    "create_pin": {"instance": {"x": 2.0}, "expect": 3.0, "within": 0.5, "answered": 9.0, "note": "n"},
    "unpin": {"reason": "the label was wrong"},
    "create_eyeball": {
        "kinds": ["confident_mistakes", "random"],
        "where": "x > 1",
        "against": 2,
        "dataset": "people@1",
        "limit": 5,
        "seed": 1,
    },
    "put_row_note": {"finding": "label_wrong", "text": "t"},
    "reject_promotion": {"reason": "no"},
    "override_promotion": {"reason": "no"},
    "put_endpoint": {
        "model": "m",
        "settings": {"visibility": "public", "extra_columns": "record", "record": True, "max_rows": 10},
        "strategy": {"strategy": "shadow", "mirror": 0.5, "then": "pause", "max_seconds": 60.0},
    },
    "start_rollout": {
        "version": 1,
        "strategy": {
            "strategy": "canary",
            "steps": [{"share": 0.1, "min_samples": 5, "min_seconds": 1.0, "max_seconds": 60.0, "pause": True}],
            "on_inconclusive": "pause",
            "watch_seconds": 60.0,
            "analysis": {"alpha": 0.05, "require": "no_harm", "mirror": 0.5, "max_shift": 0.2},
        },
    },
    "advance_rollout": {"step": 0, "reason": "no"},
    "pause_rollout": {"reason": "no"},
    "resume_rollout": {"reason": "no"},
    "abort_rollout": {"reason": "no"},
    "roll_back": {"reason": "no"},
    "put_monitor": {
        "policy": {"window_rows": 500, "window_seconds": 60.0, "min_rows": 50, "max_effect": 0.3, "metric": "mae"},
        "governor": {"windows_needed": 1, "windows_seen": 2, "cooldown_seconds": 60.0, "daily_budget": 1},
    },
    "add_ground_truth": {"items": [{"id": "0199b5a2-0000-7000-8000-000000000000", "value": 3.5}]},
    "backtest_policy": {
        "policy": {"window_rows": 500, "min_rows": 50, "max_effect": 0.3, "false_discovery": 0.01, "metric": "mae"},
        "governor": {"windows_needed": 1, "windows_seen": 2},
        "limit": 100,
        "retrain_seconds": 60.0,
        "gates": "fail",
    },
    "acknowledge_alert": {"note": "looking"},
    "resolve_alert": {"reason": "over"},
    "put_pipeline": {
        "build": {"dataset": "people", "source": RECIPE},
        "evaluation": {"dataset": "seen", "source": {"kind": "traffic", "endpoint": "e", "target": "age"}},
        "train": {"dataset": "people", "trainer": "linear", "task": "regression", "target": "age"},
        "model": "m",
        "promote": True,
    },
    "put_triggers": {"triggers": TRIGGERS},
    "start_pipeline_run": {"reason": "now"},
    "create_repository": {
        "name": "fresh",
        "address": "https://forge.example/fresh.git",
        "branches": ["main", "release/*"],
        "pointers": {"data/people.csv.dvc": "people"},
    },
    "update_repository": {"branches": ["main"], "pointers": {"data/people.csv.dvc": "people"}},
    "sync_repository": {"branch": "main", "commit": "0f3a9c1d" * 5, "rescan": True},
    "create_batch_prediction": {
        "dataset": "d@1",
        "model": "m@1",
        "into": "people",
        "keep": ["x"],
        "engine": "local",
        "on_bad_row": "null",
    },
    "create_webhook": {
        "name": "fresh",
        "url": "https://receiver.example/hook",
        "types": ["RunFailed"],
        "subject": "datasets",
        "active": True,
    },
    "update_webhook": {
        "url": "https://receiver.example/hook",
        "types": ["RunFailed"],
        "subject": "datasets",
        "active": True,
    },
    "create_token": {"name": "fresh", "owner": "ann", "role": "viewer", "expires_at": "2030-01-01T00:00:00Z"},
    "create_session": {"token": "nope"},
}
LOOK_ALIKE: Final = "\u0440\u0435\u043erle"  # "people" with three Cyrillic letters
# Where a name of something that is there belongs, nothing of this may be found.
NO_NAMES: Final = [
    *(
        "nope",
        "-1",
        "9" * 24,
        "people%20",
        "%00",
        "e%00",
        "%ff%fe",
        "%0d%0aX-Evil:%201",
        "%27%20OR%201%3D1--",
        "a" * 3_000,
    ),
    *("..%2f..%2fmillrace.db", "..%5c..%5ctoken", "%2fetc%2fpasswd", quote(LOOK_ALIKE), quote("people\u200b")),
]
NOT_JSON: Final = [
    *(b"", b"{", b"}", b"[1,", b"nul", b"{'name': 'x'}", b'{"name": "a"} {}', b"[" * 50_000),
    *(b'{"name": NaN}', b'{"name": Infinity}', b'{"name": -Infinity}'),
    *(b"\xff\xfe", b"\x00", b"\xef\xbb\xbf{}", b'{"name": "\\ud800"}'),
]
NOT_AN_OBJECT: Final = [
    *(b"null", b"7", b"true", b'"text"', b"[]", b"[{}]", b'[["name", "x"]]', b'{"unknown field": 1}', b"1e999")
]
OTHER_TYPES: Final = [
    *("text/plain", "application/xml", "application/x-www-form-urlencoded", "application/octet-stream", "*/*", "json"),
    *("multipart/form-data", "multipart/form-data; boundary="),
]
MISSING: Final = object()
ODD_VALUES: Final = [
    *(MISSING, None, -1, 10**40, 1e308, "", "1e999", "a\x00b", "x" * 50_000, {}, [None]),
    "9999-12-31T23:59:59-23:59",  # a time, and none in UTC
]
ODD_QUERIES: Final = ["", "-1", "0", "501", "x", "1.5", "NaN", "9" * 24, "\x00", LOOK_ALIKE, "a" * 5_000]
NO_NUMBERS: Final = {"x", "1.5", "NaN", "\x00", "9" * 24}
CURSORS: Final = [
    *("!", "=", "a", "\u00e4", "a" * 201),
    *(urlsafe_b64encode(key).decode() for key in (b"\xff", b"\x00", b"x" * 120, b"9" * 40, b"-1", b"1.5", b"' OR 1=1")),
]
BAD_AUTHORIZATION: Final = [
    "Bearer",
    "Bearer ",
    "Bearer nope",
    "Basic bm9wZQ==",
    "nope",
    "Bearer " + "x" * 9_000,
    b"Bearer \xff\xb2",
]


def broken(body: Any) -> Iterator[tuple[str, Any]]:
    """`body` with each of its values in turn taken away, or replaced by each odd one."""
    for place in places_of(body):
        for odd in ODD_VALUES:
            copied = copy.deepcopy(body)
            node = copied
            for part in place[:-1]:
                node = node[part]
            if odd is MISSING:
                del node[place[-1]]
            else:
                node[place[-1]] = odd
            yield f"{'.'.join(map(str, place))} = {str(odd)[:60]!r}", copied


def places_of(node: Any) -> Iterator[tuple[str | int, ...]]:
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield (key,)
        yield from ((key, *rest) for rest in places_of(value))
