"""A sampled profile of what a thread does, in forms that one can open. Called by the training handler.

Python code is sampled; time in native code (a fit, a query) counts for the Python line that called it. Other threads
and processes are not looked at: their cost is in the stages of the job.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from pyinstrument.renderers import ConsoleRenderer, HTMLRenderer, SpeedscopeRenderer
from pyinstrument.session import Session
from pyinstrument.stack_sampler import AsyncState, build_call_stack, get_stack_sampler

INTERVAL_SECONDS = 0.005
MAX_SAMPLES = 10_000
_UNREADABLE_STORAGE = (
    "<script>for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, "
    "{value: {getItem: () => null, setItem: () => {}}});</script>"
)
"""The page keeps its view options there; it is served to a sandbox, where asking for it is an error."""


@dataclass(frozen=True)
class Profile:
    """The same samples as a page without references to others, for https://speedscope.app, and as a tree of text."""

    html: str
    speedscope: str
    text: str


class Sampler:
    """Stacks with their seconds. However long it runs, it keeps at most `most`: then neighbours become one."""

    def __init__(self, about: str, most: int = MAX_SAMPLES) -> None:
        self.samples: list[tuple[list[str], float]] = []
        self._about = about
        self._most = most
        self._grain = 0.0
        self._names: dict[str, str] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample this thread inside the `with`."""
        here: FrameType = sys._getframe(2)  # whoever has the `with`: above it nothing is of interest
        self._above = build_call_stack(here, "initial", None)
        self._started, self._cpu = time.time(), time.process_time()
        sampler = get_stack_sampler()
        sampler.subscribe(self.see, desired_interval=INTERVAL_SECONDS, use_async_context=False)
        try:
            yield
        finally:
            sampler.unsubscribe(self.see)
            self._seconds, self._cpu = time.time() - self._started, time.process_time() - self._cpu

    def see(self, stack: list[str], seconds: float, _: AsyncState | None = None) -> None:
        """One sample: this stack, for so long."""
        self._add([self._names.get(name) or self._known(name) for name in stack], seconds)
        while len(self.samples) > self._most:
            self._grain = max(2 * self._grain, 2 * INTERVAL_SECONDS)
            finer, self.samples = self.samples, []
            for sample in finer:
                self._add(*sample)

    def profile(self) -> Profile:
        """What was seen."""
        session = Session(
            frame_records=self.samples,
            start_time=self._started,
            duration=self._seconds,
            min_interval=INTERVAL_SECONDS,
            max_interval=max(INTERVAL_SECONDS, self._grain),
            sample_count=len(self.samples),
            start_call_stack=self._above,
            target_description=self._about,
            cpu_time=self._cpu,
            sys_path=sys.path,
            sys_prefixes=Session.current_sys_prefixes(),
        )
        page = HTMLRenderer().render(session)
        return Profile(
            html=page.replace("<body>", f"<body>{_UNREADABLE_STORAGE}", 1),
            speedscope=SpeedscopeRenderer().render(session),
            text=ConsoleRenderer(unicode=True, color=False).render(session),
        )

    def _add(self, stack: list[str], seconds: float) -> None:
        if self.samples:
            last, lasted = self.samples[-1]
            if lasted < self._grain or last == stack:
                self.samples[-1] = last, lasted + seconds
                return
        self.samples.append((stack, seconds))

    def _known(self, name: str) -> str:
        """One text per name, without what would end the script of the page that it is shown in."""
        return self._names.setdefault(name, name.replace("</", "< /").replace("<!--", "< !--"))
