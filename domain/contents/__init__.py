"""Contents: bytes by their MD5, as DVC names them, and the chunks they are made of.

A content is a sequence of chunks; equal chunks are kept once, whatever they are part of. Chunks lie in packs, large
objects of the data store. `adapters/chunk_store` cuts, packs and reads; these tables say what is where.
"""
