"""Pipelines need no jobs of their own: their steps are other nouns' jobs. Here is what time sets off."""

from domain.pipelines import queries, service, triggers
from domain.pipelines.specs import PipelineSpec
from workers.toolbox import Toolbox


def fire_schedules(tools: Toolbox) -> None:
    """Start the pipelines whose schedule has come round and that are not running."""
    with tools.runtime.reading() as session:
        now = tools.runtime.clock()
        due = []
        for pipeline in queries.all_pipelines(session):
            last = queries.runs_started(session, pipeline.id, trigger="schedule", limit=1)
            since = last[0].started_at if last else pipeline.created_at
            spec = PipelineSpec.model_validate(pipeline.spec)
            if (
                triggers.schedule_due(spec, last_started=since, now=now)
                and queries.active_run(session, pipeline.id) is None
            ):
                due.append(pipeline.name)
    for name in due:
        with tools.runtime.transaction() as session:
            service.start(session, name=name, trigger="schedule", reason="its schedule came round")
