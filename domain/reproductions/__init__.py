"""Reproductions: a finished run trained again with all that it had, and a verdict on whether the same came out.

The run made by it says which one it reproduces, and never becomes a model version by itself.
"""
