"""Talks to the outside: settings, the database engine, object stores, the queue, MLflow, model files.

One module per thing adapted. No HTTP routes here; what is light is imported by the API, what is heavy
(`tracking`, `model_files`) only by workers.
"""
