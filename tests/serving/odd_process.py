"""The process of a model that does, on each row, what its column `does` says. Started by `test_python_model`."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ml.models import Predictions
from serving.child import Message, main
from tests.serving.plants import ODD


def raise_path() -> None:
    raise FileNotFoundError("/secret/place/model.bin")


def interrupt() -> None:
    raise KeyboardInterrupt


def eat() -> None:
    assert [np.ones(2**22) for _ in range(100)]


DEEDS: dict[str, Callable[[], object]] = {
    "print": lambda: sys.stdout.write("a model says something\n"),
    "fork": os.fork,
    "exit": lambda: sys.exit(3),
    "interrupt": interrupt,
    "raise": raise_path,
    "die": lambda: os._exit(9),
    "hang": lambda: time.sleep(60),
    "eat": eat,
    "garble": lambda: os.write(int(sys.argv[3]), b"{}" * 100),
}


class Odd:
    def __init__(self, directory: Path, digest: str, *, trusted: bool) -> None:
        self.signature = ODD
        if (directory / "die").exists():
            os._exit(1)

    def answer(self, message: Message) -> Predictions:
        numbers = message["numbers"][:, 0].tolist()
        for index, (does,) in enumerate(message["strings"]):
            if does == "nan":
                numbers[index] = float("nan")
            elif does == "child":
                numbers[index] = float(subprocess.Popen(["sleep", "60"]).pid)
            elif does == "fewer":
                return Predictions(numbers[1:])
            elif does:
                DEEDS[does]()
        return Predictions(numbers)


if __name__ == "__main__":
    main(Odd, sys.argv[1:])
