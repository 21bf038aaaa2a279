"""The registry: named models, their numbered versions, and the aliases (champion, challenger) that point at them.

A version is a finished run made available. Policies are kept here and judged by `domain.promotions`.
"""
