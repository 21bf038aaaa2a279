"""Promotions: a version asks to become champion; the gate decides by evidence, and the decision is kept.

`gates` is the pure rule; `service` gathers, decides and applies.
"""
