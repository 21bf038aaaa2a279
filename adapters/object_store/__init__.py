"""Object stores: one protocol, implemented over fsspec for local disk, S3 and whatever else fsspec reaches.

`contents` keeps bytes under their MD5, as DVC lays them out.
"""
