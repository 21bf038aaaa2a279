"""Webhooks: what happens here, told to somebody else's server. Each telling is a delivery: a row, and a durable job.

They follow the Standard Webhooks specification: three headers, and a signature that its libraries verify.
"""
