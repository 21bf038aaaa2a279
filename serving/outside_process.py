"""A process of a model that others have made, as `serving.python_process` of one trained here. MLflow comes with it."""

import sys
from pathlib import Path

from adapters.model_files import load_python_model
from ml.models import Predictions
from serving.child import Message, main


class MadeOutside:
    """It takes rows as they came: what they are to it, its own signature says."""

    def __init__(self, directory: Path, digest: str, *, trusted: bool) -> None:
        self._model = load_python_model(directory, digest=digest, trusted=trusted)
        self.signature = self._model.signature

    def answer(self, message: Message) -> Predictions:
        return self._model.predict(message["instances"], extra="record")


if __name__ == "__main__":
    main(MadeOutside, sys.argv[1:])
