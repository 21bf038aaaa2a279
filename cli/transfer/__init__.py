"""Files on their way to the server and back: cut and sent in chunks, fetched in one stream, and remembered.

The format of what is sent is `adapters.chunk_store.wire`; nothing else of the server's code is used here.
"""
