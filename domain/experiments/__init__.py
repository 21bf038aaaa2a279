"""Experiments and their runs: what was trained, on which data and code, and what it came to.

A run that has finished never changes again: its metrics and digests are what gates and lineage read.
"""
