"""Trainers: from a frame and a `TrainSpec` to a fitted pipeline with its metrics.

`table` names the trainers and their parameters, `features` builds what comes before the estimator,
`prepare` checks the request against the frame, `train` does the work. To add one: docs/how-to/add-a-trainer.md.
"""
