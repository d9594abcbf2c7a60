"""The imageferry operator: custom machine images between a compute service and an object store."""

__version__ = "0.1.0"
