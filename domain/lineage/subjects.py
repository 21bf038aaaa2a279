"""What lineage can be asked about, as a person writes it: `runs/{id}`, `datasets/{name}/versions/{n}`."""

import re
from collections.abc import Callable

from domain.batch_predictions.queries import get_batch
from domain.datasets import queries as datasets
from domain.datasets.specs import NAME_PATTERN
from domain.db import AnySession
from domain.deployments.queries import get_endpoint, get_rollout
from domain.errors import Invalid
from domain.experiments.queries import get_run
from domain.lineage.graph import Key, Kind
from domain.monitoring.queries import get_alert, get_window
from domain.pipelines import queries as pipelines
from domain.promotions.queries import get_promotion
from domain.registry import queries as registry

_ID = r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_NAME = f"(?P<name>{NAME_PATTERN.removeprefix('^').removesuffix('$')})"
_NUMBER = r"(?P<number>[1-9][0-9]{0,8})"

Find = Callable[[AnySession, dict[str, str]], str]

# What may be asked for, its pattern, and who finds the row's id or says that there is none.
FORMS: dict[str, tuple[Kind, str, Find]] = {
    "predictions/{id}": (Kind.PREDICTION, f"predictions/{_ID}", lambda _, given: given["id"]),
    "datasets/{name}/versions/{n}": (
        Kind.DATASET_VERSION,
        f"datasets/{_NAME}/versions/{_NUMBER}",
        lambda session, given: datasets.get_version(session, given["name"], int(given["number"])).id,
    ),
    "runs/{id}": (Kind.RUN, f"runs/{_ID}", lambda session, given: get_run(session, given["id"]).id),
    "models/{name}/versions/{n}": (
        Kind.MODEL_VERSION,
        f"models/{_NAME}/versions/{_NUMBER}",
        lambda session, given: registry.get_version(session, given["name"], int(given["number"])).id,
    ),
    "endpoints/{name}": (
        Kind.ENDPOINT,
        f"endpoints/{_NAME}",
        lambda session, given: get_endpoint(session, given["name"]).id,
    ),
    "promotions/{id}": (
        Kind.PROMOTION,
        f"promotions/{_ID}",
        lambda session, given: get_promotion(session, given["id"]).id,
    ),
    "rollouts/{id}": (Kind.ROLLOUT, f"rollouts/{_ID}", lambda session, given: get_rollout(session, given["id"]).id),
    "batch-predictions/{id}": (
        Kind.BATCH_PREDICTION,
        f"batch-predictions/{_ID}",
        lambda session, given: get_batch(session, given["id"]).id,
    ),
    "pipeline-runs/{id}": (
        Kind.PIPELINE_RUN,
        f"pipeline-runs/{_ID}",
        lambda session, given: pipelines.get_run(session, given["id"]).id,
    ),
    "alerts/{id}": (Kind.ALERT, f"alerts/{_ID}", lambda session, given: get_alert(session, given["id"]).id),
    "windows/{id}": (Kind.WINDOW, f"windows/{_ID}", lambda session, given: get_window(session, given["id"]).id),
}


class UnknownSubject(Invalid):
    """The text names nothing that has a lineage."""

    code = "unknown_lineage_subject"


def parse(of: str) -> tuple[Kind, dict[str, str]]:
    """The kind that is asked about, and its name or id. Raises `UnknownSubject` with the forms there are."""
    for kind, pattern, _ in FORMS.values():
        found = re.fullmatch(pattern, of)
        if found is not None:
            return kind, found.groupdict()
    raise UnknownSubject(f"{of[:200]!r} has no lineage.", where="of", fix=f"Ask for one of {', '.join(FORMS)}.")


def find(session: AnySession, of: str) -> Key:
    """The thing that is asked about; the errors of its noun, with near matches, when there is none."""
    kind, given = parse(of)
    look = next(look for one, _, look in FORMS.values() if one == kind)
    return Key(kind, look(session, given))
