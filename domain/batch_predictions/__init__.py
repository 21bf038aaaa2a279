"""Batch predictions: a model version's answers to every row of a dataset version, as a new dataset version.

A worker scores chunk by chunk and keeps each as a part, so that whoever takes the job up again goes on behind the last
one. The rows are those of the version, in their order, with the model's answers as further columns.
"""
