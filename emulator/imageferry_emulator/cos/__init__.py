"""COS, the object store of Tencent Cloud: the API by HTTP with its signature, on the store of `objects/`."""
