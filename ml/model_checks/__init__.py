"""Checks of one model by itself: what a version must show before it is compared with the champion.

`table` maps each kind of check to its function and runs a list of them; `quality` looks at metrics, `behaviour`
at what the model does with chosen or moved rows. A check that could not look at anything never passes.
"""
