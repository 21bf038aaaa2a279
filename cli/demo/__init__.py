"""`millrace demo`: the whole loop, told on two years of hourly bike rentals against a system of its own.

`command` starts `millrace up` as a child and tells the `chapters`; `rides` cuts and replays the table; `stage` is
what a chapter speaks through. All of it is a client: REST, and the files of `examples/bikes`.
"""
