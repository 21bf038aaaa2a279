"""Does the long work: a Celery worker that claims jobs by id and runs their handlers.

The rows are the truth; a message only says which job to look at.
"""
