"""The data plane: answers predictions over HTTP, from nothing but the model store.

It reads routes and packages from the store and writes prediction segments and heartbeats there.
It knows no database and no queue, so it starts, restarts and answers while both are down.
Runs as its own process (`serving.main`) or mounted in the API (`serving.app`).
"""
