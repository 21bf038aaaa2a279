"""Millrace from Python: `client = millrace.connect()`, then datasets, experiments, models and endpoints by name.

What is generated from the API's description is in `millrace.rest`; what is beside it is written by hand, and thin.
"""

from millrace.client import Client
from millrace.connection import connect
from millrace.datasets import Dataset, Version
from millrace.endpoints import Endpoint, Predictions
from millrace.errors import JobFailed, MillraceError, Misuse, Problem, Unreachable
from millrace.events import Event
from millrace.experiments import Experiment, Run
from millrace.jobs import Job
from millrace.models import Model, ModelVersion, Promotion

__all__ = [
    "Client",
    "Dataset",
    "Endpoint",
    "Event",
    "Experiment",
    "Job",
    "JobFailed",
    "MillraceError",
    "Misuse",
    "Model",
    "ModelVersion",
    "Predictions",
    "Problem",
    "Promotion",
    "Run",
    "Unreachable",
    "Version",
    "connect",
]
