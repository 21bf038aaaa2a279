"""Images: a model version as a container that answers by itself, pushed to a registry.

An image is the serving base plus one layer: a model store with the version's package and the routes to it. Workers
push it; what a push came to is kept with the version. Dockerfiles and Kubernetes manifests are rendered here.
"""
