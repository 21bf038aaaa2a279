"""Speaks to a person: `millrace up` and the commands of the REST client.

`processes` and `supervisor` start and watch the other floors as subprocesses; `client`, `session` and `nouns/`
talk HTTP. Nothing here imports another floor: what a process must know travels as `MILLRACE_*` variables.
"""
