"""Durable jobs: rows are the truth, a queue message only wakes a worker.

A job is claimed by compare-and-swap with a lease and a fencing token; whoever lost the lease can record nothing.
"""
