"""Training: what to train as data, what is refused before anything is computed, and the life of a run.

The trainers themselves are in `ml.trainers`; `trainers` here holds their names and parameters for the API.
"""
