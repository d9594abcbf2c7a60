"""Alibaba Cloud: ECS custom images and OSS buckets.

The five rooms of every cloud, and more for what would not fit into them.

- Speaking to the cloud: `addresses.py`, `calls.py` (the client's calls as coroutines), `listing.py` (all pages of anything).
- What it says: `codes/` (error codes as data, joined by `faults.py`), `verdicts.py` (the table of faults applied).
- Before an attempt: `preflight.py` (what a wish means here), by the rules in `images.py`, `buckets.py`, `roles.py` and
  `policies.py`.
- After it: `search.py` (is there a task of ours), `output.py` (what lies in the bucket).
- Temporary keys: `identity.py` and `metadata.py`.
"""
