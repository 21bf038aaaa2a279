"""The ways to ask for a prediction: plain JSON, MLflow's scoring protocol, Open Inference v2 by REST and by gRPC.

Each reads a body into rows, writes an answer as bytes, and shapes errors as its clients expect.
"""
