"""Comparisons: several model versions, scored on several dataset versions and subsets of their rows.

A job does the scoring; what it found is written once and never changes.
"""
