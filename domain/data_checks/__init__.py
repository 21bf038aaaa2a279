"""Data checks: the suite a dataset declares, and the report of what it found in a version.

A failed check of severity error rejects the version.
"""
