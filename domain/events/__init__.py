"""What happened: the audit trail, and the outbox that reactions and live streams read.

An event is a frozen dataclass in the past tense, defined beside the service that emits it.
"""
