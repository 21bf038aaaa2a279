"""Verifications: the store read through, and what of it is damaged.

Every chunk is hashed again, and every loss is told by the versions and files it concerns.
"""
