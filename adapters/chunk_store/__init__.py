"""The chunk store: contents cut into chunks, each kept once, compressed or as a difference, packed into large objects.

`contents` is the door; `batch` writes, `reader` reads, `packs` is the format of an object; `frames` and `chunks` are
pure.
"""
