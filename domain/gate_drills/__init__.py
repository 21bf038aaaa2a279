"""Gate drills: models and data that are broken on purpose go through a model's real checks and gates.

What gets through is a hole in the policy or in the suite, and opens an alert. No version and no alias comes of it.
"""
