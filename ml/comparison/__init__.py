"""Is the challenger better than the champion? Paired tests on the same rows, for the gate and the rollout checks.

`compare.compare` chooses the test that fits the metric; each test is a module and answers with an `effect.Finding`.
`docs/decisions/` says which test decides, and `bench/gate.py` shows what the tests promise.
"""
