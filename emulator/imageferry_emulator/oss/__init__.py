"""The object store service: buckets, objects, their bytes on disk, and the HTTP API in front of them."""
