"""OCI images without a container engine: layers and manifests made here, registries spoken to by their HTTP API.

`layers` and `assembly` make bytes, the same from the same; `registry` moves them; `pushing` is the whole walk.
"""
