"""Pins: mistakes that became tests. Every later version of the model must get a pinned row right.

Model checks run the standing pins beside the policy; a person may take one back, which is kept.
"""
