"""Jobs of access: tell serving who may predict."""

from domain.access.jobs import PublishAccess
from domain.access.queries import predicting_tokens
from domain.deployments.specs import AccessEntry, ServingAccess
from workers.run import RunningJob
from workers.toolbox import Toolbox

ACCESS_KEY = "access/tokens.json"


def publish_access(job: RunningJob[PublishAccess], tools: Toolbox) -> dict[str, int]:
    """Write the hashed tokens of everyone who may predict, as of now."""
    runtime = tools.runtime
    now = runtime.clock()
    with runtime.reading() as session:
        tokens = predicting_tokens(session, now=now)
        entries = [AccessEntry(token_sha256=token.sha256, name=token.owner) for token in tokens]
    job.stage("write")
    access = ServingAccess(revision=int(now.timestamp() * 1000), tokens=entries)
    runtime.models.put(ACCESS_KEY, access.model_dump_json().encode())
    return {"tokens": len(entries)}
