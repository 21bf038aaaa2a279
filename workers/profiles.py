"""A sampled profile of what a thread does, in the forms of pyinstrument. Called by the training handler.

A second thread looks at the first one's stack every few milliseconds, which costs it next to nothing; pyinstrument's
own way, a hook at every call, made Python code up to four times slower. Time in native code (a fit, a query) counts
for the line that called it. Other threads and processes are not looked at: their cost is in the stages of the job.
"""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread, current_thread, get_ident
from types import CodeType, FrameType

from pyinstrument.renderers import ConsoleRenderer, HTMLRenderer, SpeedscopeRenderer
from pyinstrument.session import Session

INTERVAL_SECONDS = 0.005
MAX_SAMPLES = 10_000
_STORAGE_WITHOUT_MEMORY = (
    "<script>for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, "
    "{value: {getItem: () => null, setItem: () => {}}});</script>"
)
"""The page keeps how it is looked at there; it is served to a sandbox, where asking for it is an error."""

_FONTS = re.compile(r"https://fonts\.[^\"']+")
"""The page would ask for them elsewhere; those of the browser do."""


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
        self._seen = 0
        self._names: dict[tuple[CodeType, int], str] = {}
        self._thread = ""
        self._above: list[str] = []
        self._started = self._seconds = self._cpu = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample this thread inside the `with`."""
        self._thread = f"{current_thread().name}\0<thread>\0{get_ident()}"
        self._above = self._stack(sys._getframe(2))  # whoever has the `with`: above it nothing is of interest
        ended = Event()
        watch = Thread(target=self._watch, args=(get_ident(), ended), name="profile", daemon=True)
        self._started, self._cpu = time.time(), time.process_time()
        watch.start()
        try:
            yield
        finally:
            ended.set()
            watch.join()
            self._seconds, self._cpu = time.time() - self._started, time.process_time() - self._cpu

    def see(self, stack: list[str], seconds: float) -> None:
        """One sample: this stack, for so long."""
        self._seen += 1
        self._add(stack, seconds)
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
            sample_count=self._seen,
            start_call_stack=self._above,
            target_description=self._about,
            cpu_time=self._cpu,
            sys_path=sys.path,
            sys_prefixes=Session.current_sys_prefixes(),
        )
        page = _FONTS.sub("data:text/css,", HTMLRenderer().render(session), count=1)
        return Profile(
            html=page.replace("<body>", f"<body>{_STORAGE_WITHOUT_MEMORY}", 1),
            speedscope=SpeedscopeRenderer().render(session),
            text=ConsoleRenderer(unicode=True, color=False).render(session),
        )

    def _watch(self, thread: int, ended: Event) -> None:
        before = time.perf_counter()
        while not ended.wait(INTERVAL_SECONDS):
            stack = self._stack(sys._current_frames()[thread])
            now = time.perf_counter()
            self.see(stack, now - before)
            before = now

    def _add(self, stack: list[str], seconds: float) -> None:
        if self.samples:
            last, lasted = self.samples[-1]
            if lasted < self._grain or last == stack:
                self.samples[-1] = last, lasted + seconds
                return
        self.samples.append((stack, seconds))

    def _stack(self, frame: FrameType | None) -> list[str]:
        """From the thread down to the frame, each as pyinstrument names it."""
        names = []
        while frame is not None:
            place = frame.f_code, frame.f_lineno
            names.append(self._names.get(place) or self._named(*place))
            frame = frame.f_back
        return [self._thread, *reversed(names)]

    def _named(self, code: CodeType, line: int) -> str:
        """One text per place, without what would end the script of the page that it is shown in."""
        # Not by `pyinstrument.stack_sampler`: it looks at the locals, and what has been looked at lives on for a while.
        name = f"{code.co_qualname}\0{code.co_filename}\0{code.co_firstlineno}\1l{line}"
        return self._names.setdefault((code, line), name.replace("</", "< /").replace("<!--", "< !--"))
