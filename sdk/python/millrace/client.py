"""`Client`: a connection to one server, and the things on it by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from types import TracebackType
from typing import Self

from millrace.datasets import Dataset
from millrace.endpoints import Endpoint, Prediction
from millrace.events import STREAM, Event, newest
from millrace.events import follow as listen
from millrace.experiments import Experiment, Run
from millrace.http import ASYNC_LIMITS, TIMEOUT, AsyncHttp, Http, answer, is_local
from millrace.jobs import Job
from millrace.models import Model, Promotion
from millrace.rest.api.access import whoami
from millrace.rest.client import AuthenticatedClient


class Client:
    """One server. `api` is the generated client: pass it to any function of `millrace.rest.api`, sync or async."""

    def __init__(self, url: str, token: str | None, *, serving: str | None = None, progress: bool = True) -> None:
        self.url = url
        self.serving = serving or url
        self.progress = progress
        self._token = token

    def __repr__(self) -> str:
        return f"<millrace.Client {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. A client that is not closed is closed when it is forgotten."""
        self.http.close()

    @cached_property
    def http(self) -> Http:
        """An httpx client with the server's address and the token, for what has no function."""
        return Http(base_url=self.url, headers=self._headers, timeout=TIMEOUT, trust_env=self._trust_env)

    @cached_property
    def api(self) -> AuthenticatedClient:
        client = AuthenticatedClient(base_url=self.url, token=self._token or "")
        client.set_httpx_client(self.http)
        client.set_async_httpx_client(
            AsyncHttp(
                base_url=self.url,
                headers=self._headers,
                timeout=TIMEOUT,
                trust_env=self._trust_env,
                limits=ASYNC_LIMITS,
            )
        )
        return client

    @property
    def whoami(self) -> str:
        """The owner of the token and what it may do."""
        me = answer(whoami.sync(client=self.api))
        return f"{me.name} ({me.role}: {', '.join(map(str, me.scopes))})"

    def datasets(self, name: str) -> Dataset:
        """The dataset of this name, which may still have to be made: its first push does."""
        return Dataset(self, name)

    def experiments(self, name: str) -> Experiment:
        """The experiment of this name; its first training makes it."""
        return Experiment(self, name)

    def models(self, name: str) -> Model:
        """The model of this name; its first version makes it."""
        return Model(self, name)

    def endpoints(self, name: str) -> Endpoint:
        """The endpoint of this name; `deploy` makes it."""
        return Endpoint(self, name)

    def runs(self, run_id: str) -> Run:
        return Run(self, run_id)

    def jobs(self, job_id: str) -> Job:
        return Job(self, job_id)

    def promotions(self, promotion_id: str) -> Promotion:
        return Promotion(self, promotion_id)

    def predictions(self, prediction_id: str) -> Prediction:
        """One recorded answer, by the id that came with it."""
        return Prediction(self, prediction_id)

    def events(
        self, *, follow: bool = False, after: int | None = None, type: str | None = None, limit: int = 100
    ) -> Iterator[Event]:
        """What happened, the newest first. With `follow` what happens from now on (or `after` an event's id), for ever.

        A connection that breaks is taken up again where it broke off.
        """
        if not follow:
            return newest(self, type=type, limit=limit)
        found = map(
            Event.of,
            (message.data for message in listen(self.http, STREAM, after=None if after is None else str(after))),
        )
        return (event for event in found if type in (None, event.type))

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    @property
    def _trust_env(self) -> bool:
        return not is_local(self.url)  # a proxy is for other machines
