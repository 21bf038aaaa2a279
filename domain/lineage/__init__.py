"""Lineage: one graph across everything, from a prediction to its rows and on to what came of them.

It has no table. What stands beside what is told by the keys that the nouns keep anyway; `links` names them once.
"""
