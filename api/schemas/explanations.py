"""Explanations as clients see them."""

from domain.explanations.specs import Explanation


class ExplanationRead(Explanation):
    """Why one prediction is what it is."""
