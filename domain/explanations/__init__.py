"""Explanations: what each input of one recorded prediction contributed to it, computed when it is asked for.

There is no table: the result of the job is what is kept, as for predictions that are looked up.
"""
