"""Computes: frames, profiles, checks, drift, recipes, trainers and model tests.

Everything here is synchronous and pure: tables and specs in, plain results out. Workers call it;
serving uses the light parts. It knows no database, queue, HTTP or settings, and imports from
`domain` only the specs and the errors.
"""
