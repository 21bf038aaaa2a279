"""Giving room back: what nothing needs any more is listed, waits, and goes.

A plan lists the contents that would go and proves why nothing needs them; after its grace period it is executed, by
looking again. Deleting a version is decided here too, since it has to see every noun that may need one.
"""
