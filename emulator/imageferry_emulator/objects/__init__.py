"""Buckets and objects of any object store: values, and how they are kept on disk. No HTTP, no account rules, no vendor's names."""
