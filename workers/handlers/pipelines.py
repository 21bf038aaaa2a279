"""Pipelines need no jobs of their own: their steps are other nouns' jobs. Here is what time sets off."""

from domain.pipelines import queries, service
from domain.pipelines.specs import PipelineSpec, ScheduleTrigger
from workers.toolbox import Toolbox


def fire_schedules(tools: Toolbox) -> None:
    """Start the pipelines whose schedule has come round and that are not running, each in its own transaction."""
    with tools.runtime.reading() as session:
        specs = {one.name: PipelineSpec.model_validate(one.spec) for one in queries.all_pipelines(session)}
    for name, spec in specs.items():
        if any(isinstance(trigger, ScheduleTrigger) for trigger in spec.triggers):
            with tools.runtime.transaction() as session:
                service.start_on_schedule(session, name=name)
