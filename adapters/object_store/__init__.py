"""Object stores: one protocol, a folder of this machine or whatever fsspec reaches: S3, GCS, Azure, Google Drive.

`opening.open_store` picks one by URL.
"""
