"""The token service (STS, version 2015-04-01)."""
