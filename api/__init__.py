"""Speaks HTTP: translates requests into services and queries of the domain, and rows into schemas.

Stays light: nothing numerical and no MLflow is imported here.
"""
