"""A good body for each operation that takes JSON, as a team with the bike-sharing data would send it."""

from typing import Any, Final

_FEATURES = [
    "season",
    "mnth",
    "hr",
    "holiday",
    "weekday",
    "workingday",
    "weathersit",
    "temp",
    "atemp",
    "hum",
    "windspeed",
]
_ROW = {
    "season": 3, "mnth": 7, "hr": 8, "holiday": 0, "weekday": 1, "workingday": 1, "weathersit": 1, "temp": 0.72,
    "atemp": 0.66, "hum": 0.58, "windspeed": 0.19,
}  # fmt: skip
_RECIPE = {"kind": "recipe", "concat": ["bikes@1", "bikes-2012h1@1"], "unique": ["instant"]}
_TRAIN = {
    "dataset": "bikes@1",
    "trainer": "gradient_boosting",
    "task": "regression",
    "target": "cnt",
    "features": _FEATURES,
    "params": {"min_samples_leaf": 40, "subsample": 0.8},
    "split": {"validation": 0.1, "test": 0.15},
    "model": "bikes",
}
_GATES = [
    {"gate": "metric", "metric": "mae", "max": 40},
    {"gate": "overfit", "max_ratio": 1.2},
    {"gate": "champion", "metric": "mae", "min_effect": 0.05, "on": "bikes-traffic"},
]
_GOVERNOR = {"windows_needed": 2, "windows_seen": 3, "cooldown_seconds": 3600, "max_failed_gates": 3}
_BRANCHES = {"branches": ["main"], "pointers": {"data/hour.csv.dvc": "bikes"}}

BODIES: Final[dict[str, Any]] = {
    "create_dataset": {"name": "bikes", "description": "Rentals per hour, with weather and calendar."},
    "update_dataset": {"description": "Rentals per hour of 2011 and 2012."},
    "create_dataset_version": {"source": _RECIPE, "message": "2011 and the first half of 2012"},
    "get_dataset_bundle": {"paths": ["hour.csv"]},
    "put_dataset_recipe": {
        "concat": ["bikes-raw"],
        "follows": ["bikes-raw"],
        "unique": ["instant"],
        "steps": [{"step": "fill", "column": "hum", "method": "mean"}],
    },
    "pin_dataset_version": {"reason": "The report for the city cites it."},
    "create_verification": {"dataset": "bikes", "number": 3, "deep": True},
    "put_check_suite": {
        "checks": [
            {"check": "row_count", "min": 1000},
            {"check": "in_range", "column": "hum", "min": 0, "max": 1},
            {"check": "drift", "against": "previous", "severity": "warn"},
        ]
    },
    "quarantine_rows": {"clean": "bikes", "failing": "bikes-quarantine", "column": "why"},
    "translate_check_suite": {
        "name": "bikes",
        "expectations": [
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "hum", "min_value": 0, "max_value": 1}}
        ],
    },
    "create_experiment": {"name": "bikes", "description": "Rentals per hour from weather and calendar."},
    "start_run": _TRAIN,
    "start_sweep": {
        "base": _TRAIN,
        "space": {"min_samples_leaf": [20, 40, 80], "subsample": {"min": 0.5, "max": 1.0, "points": 3}},
        "method": "random",
        "trials": 6,
        "objective": {"metric": "validation_mae", "goal": "min"},
    },
    "reproduce_run": {"tolerance": 1e-6},
    "create_model": {"name": "bikes", "task": "regression", "target": "cnt", "description": "Rentals of an hour."},
    "update_model": {"intended_use": "To move bikes before the rush hour.", "tags": {"team": "rides"}},
    "put_policy": {"gates": _GATES, "approval": "required"},
    "add_model_version": {"run_id": "0199b5a2-6c1e-7d40-9f3a-5b1c2d3e4f50"},
    "update_model_version": {"description": "With the year as a feature.", "tags": {"story": "growth"}},
    "create_comparison": {"versions": [1, 2], "datasets": ["bikes-traffic@2"], "metric": "mae"},
    "push_model_image": {"to": "registry.example/rides/bikes:2", "platform": "linux/amd64"},
    "put_gate_drill_schedule": {"every_days": 7},
    "put_model_suite": {
        "checks": [
            {"gate": "metric", "metric": "mae", "max": 60, "where": "holiday = 1"},
            {"gate": "invariance", "change": {"kind": "noise", "columns": ["windspeed"]}, "max_move": 5},
            {"gate": "directional", "change": {"kind": "shift", "column": "temp", "by": 0.1}, "direction": "increase"},
        ]
    },
    "run_model_checks": {"suite": "weather", "dataset": "bikes-traffic@2"},
    "create_pin": {"instance": _ROW, "expect": 610, "within": 60, "note": "A summer Monday at eight."},
    "unpin": {"reason": "The count of that hour was wrong."},
    "create_eyeball": {"kinds": ["confident_mistakes", "random"], "where": "hr = 8", "limit": 20},
    "put_row_note": {"finding": "label_wrong", "text": "The station was closed."},
    "reject_promotion": {"reason": "Wait for the labels of the holidays."},
    "override_promotion": {"reason": "The old model fails since the tariff changed."},
    "put_endpoint": {"model": "bikes", "settings": {"extra_columns": "record"}},
    "start_rollout": {
        "version": 2,
        "strategy": {
            "strategy": "canary",
            "steps": [{"share": 0.1, "min_samples": 200, "min_seconds": 600, "max_seconds": 7200}],
        },
    },
    "advance_rollout": {"step": 0, "reason": "The first step has shown enough."},
    "pause_rollout": {"reason": "The storm is no usual traffic."},
    "resume_rollout": {"reason": "The storm is over."},
    "abort_rollout": {"reason": "Mornings are answered too low."},
    "roll_back": {"reason": "Mornings are answered too low."},
    "put_monitor": {"policy": {"window_rows": 240, "metric": "mae"}, "governor": _GOVERNOR},
    "add_ground_truth": {"items": [{"id": "0199b5a2-6c1e-7d40-9f3a-5b1c2d3e4f50", "value": 612}]},
    "backtest_policy": {"policy": {"window_rows": 240, "max_effect": 0.3, "metric": "mae"}, "limit": 100},
    "acknowledge_alert": {"note": "Looking at the stations."},
    "resolve_alert": {"reason": "The retrained model answers now."},
    "put_pipeline": {
        "build": {"dataset": "bikes", "source": _RECIPE},
        "evaluation": {"dataset": "bikes-traffic", "source": {"kind": "traffic", "endpoint": "bikes", "target": "cnt"}},
        "train": _TRAIN | {"dataset": "bikes"},
        "model": "bikes",
    },
    "put_triggers": {"triggers": [{"on": "drift", "endpoint": "bikes"}, {"on": "schedule", "every_seconds": 604800}]},
    "start_pipeline_run": {"reason": "The summer is complete."},
    "create_repository": {"name": "rides", "address": "https://git.example/rides.git", **_BRANCHES},
    "update_repository": _BRANCHES,
    "sync_repository": {"branch": "main", "commit": "0f3a9c1d2b4e5f60718293a4b5c6d7e8f9012345"},
    "create_webhook": {
        "name": "chat",
        "url": "https://chat.example.org/hooks/millrace",
        "types": ["AlertOpened"],
        "subject": "endpoints/bikes",
    },
    "update_webhook": {"types": ["AlertOpened", "RolloutAborted"]},
    "create_batch_prediction": {"dataset": "bikes-2012h2@1", "model": "bikes@champion", "into": "bikes-forecast"},
    "create_token": {"name": "notebook", "owner": "ann", "role": "developer", "expires_at": "2027-01-01T00:00:00Z"},
    "create_session": {"token": "mlr_3vYJ0nJq6T4tXw9ZkQeRb1UuLs8HcDfG"},
}
