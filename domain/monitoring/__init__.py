"""Watching endpoints: windows of traffic, drift and quality, alerts, and the governor of retrains.

`windows`, `alerts` and `governor` are pure rules.
"""
