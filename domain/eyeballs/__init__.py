"""Eyeballs: a version's answers to real rows, for a person to look at, and what the person says of a row.

A worker scores the rows and picks those worth looking at; the pick is kept and can be asked for again.
"""
