"""Decides and remembers: the nouns of the platform, their rules and their tables.

Every other floor may import this one; it imports SQLAlchemy, pydantic and the standard library.
It knows no HTTP, no queue, no files, no numerics and not the clock of the machine.
"""
