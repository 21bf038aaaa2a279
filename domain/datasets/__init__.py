"""Datasets and their versions: immutable, numbered densely, identified by the digest DVC would give them."""
