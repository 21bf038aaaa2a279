"""The three ways to ask for a prediction: plain JSON, MLflow's scoring protocol, Open Inference v2.

Each module reads a body into columns, writes an answer as bytes, and shapes errors as its clients expect.
"""
