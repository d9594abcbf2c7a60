"""Tencent Cloud: CVM custom images and COS buckets.

The five rooms of every cloud, and more for what would not fit into them.

- Speaking to the cloud: `addresses.py`, `transport.py` (the sockets of both SDKs), `calls.py` (the client's calls as coroutines),
  `listing.py` (all pages of anything).
- What it says: `codes/` (error codes as data, joined by `faults.py`), `verdicts.py` (the table of faults applied).
- Before an attempt: `preflight.py` and `import_preflight.py` (what a wish means here), by the rules in `images.py`, `systems.py`,
  `sources.py` and `roles.py`.
- After it: `search.py` and `import_search.py` (is there a task of ours), `output.py` and `import_output.py` (what it left).
- Temporary keys: `identity.py` and `metadata.py`.
"""
