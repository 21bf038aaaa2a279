"""A process of a Python model that was trained here: its types are the trainers' own.

It keeps scikit-learn out of the serving process. Nothing imports this.
"""

import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import sklearn

from adapters.skops_files import load_skops_model
from ml.encoding import NUMBERS, STRINGS, Encoder, Feeds
from ml.models import Predictions
from serving.child import Message, main


class TrainedHere:
    """A pipeline of ours is asked by feeds, which serving has made and checked."""

    def __init__(self, directory: Path, digest: str, *, trusted: bool) -> None:
        # The encoder lets nothing through that is not finite; a null is imputed, or taken by the estimator.
        sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
        self._model = load_skops_model(directory, digest=digest)
        self.signature = self._model.signature
        encoder = Encoder(self.signature)
        self._widths = {NUMBERS: len(encoder.number_names), STRINGS: len(encoder.string_names)}
        with suppress(Exception):  # the first answer of a process takes ten times as long as the second
            self.answer({"rows": 1, NUMBERS: np.zeros((1, self._widths[NUMBERS]), np.float32), STRINGS: self._texts()})

    def answer(self, message: Message) -> Predictions:
        feeds: Feeds = {}
        if self._widths[NUMBERS]:
            feeds[NUMBERS] = message[NUMBERS]
        if self._widths[STRINGS]:
            texts = np.array(message[STRINGS], dtype=object)
            feeds[STRINGS] = texts.reshape(message["rows"], self._widths[STRINGS])
        return self._model.predict_feeds(feeds)

    def _texts(self) -> list[list[str]]:
        return [[""] * self._widths[STRINGS]]


if __name__ == "__main__":
    main(TrainedHere, sys.argv[1:])
