"""DeLong's test of two areas under ROC curves on the same rows.

Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44:837 (1988).
"""

from collections.abc import Sequence

import numpy as np

from domain.registry.specs import Label
from ml.comparison.areas import placements
from ml.comparison.contrast import told_by_contrast
from ml.comparison.effect import Finding, Question
from ml.models import Predictions


def delong(
    y: Sequence[Label], champion: Predictions, challenger: Predictions, values: tuple[float, float], question: Question
) -> Finding:
    """Test the areas `values` of the two. Raises `NothingToCompare` with fewer than two rows of a class."""
    parts = np.stack([placements(y, champion), placements(y, challenger)])
    covariance = np.einsum("it,jt->ij", parts, parts)
    return told_by_contrast(np.array(values), covariance, question, rows=len(y), method="DeLong")
