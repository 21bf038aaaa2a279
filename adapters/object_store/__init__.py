"""Object stores: one protocol, implemented over fsspec for local disk, S3 and whatever else fsspec reaches."""
