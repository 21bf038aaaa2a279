"""Git repositories that are followed: their `.dvc` pointers become dataset versions, their code is remembered.

`addresses`, `pointers` and `hooks` are pure rules; the mirror clone that a worker keeps is no part of the truth.
"""
