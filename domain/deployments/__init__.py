"""Endpoints and rollouts: which version answers, and how the next one takes over.

`traffic` and `rollout` are pure rules; `specs.Routes` is what serving reads.
"""
