"""Checks of one model by itself: what a version must show before it is compared with the champion.

`table` maps each kind of check to its function and runs a list of them; `quality` looks at metrics, `minimum`
at chosen rows, `behaviour` at rows that are changed (`changes`, `texts`, `templates`, `moves`).
A check that could not look at anything never passes.
"""
