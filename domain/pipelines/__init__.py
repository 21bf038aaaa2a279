"""Pipelines: the loop as a declared chain of steps, and what sets it off.

`graph` and `triggers` are pure rules; the steps move on when the events they wait for happen.
"""
