"""The client's commands, one file per noun and each like every other.

A command takes a `Session`, makes one or a few requests and shows the answer: a table for a person,
the raw JSON with `--json`. What the server refuses travels up as a `ClientError` and becomes an exit code.
"""
