"""Sweeps: one training tried with many parameters, and the best of them by a metric on the validation rows.

Each trial is an ordinary run. What happens next is decided whenever one of them ends, from the rows alone.
"""
