-- Run once, when the volume is empty: MLflow keeps its tables in a database of its own.
CREATE DATABASE mlflow;
