"""Orders of images."""

from domain.jobs.spec import JobSpec


class PushImage(JobSpec):
    """Assemble the image and push it. Who may push is in the settings of the worker."""

    image_id: str
