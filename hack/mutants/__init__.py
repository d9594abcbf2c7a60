"""The core, mutated: mutmut plants thousands of small faults in `core/`, and the unit tests have to notice them.

`python -m mutants` works on a copy of the tree and fails where too many faults, or faults that nobody has explained, survive.
"""
