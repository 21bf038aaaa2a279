"""Model checks: what a version shows by itself, on the frozen test rows of its run.

They are the gates of the model's policy that need no champion; promotions judge their results.
"""
