"""Alibaba Cloud: ECS custom images and OSS buckets.

The five rooms of every cloud, and more for what would not fit into them.

- Speaking to the cloud: `addresses.py`, `calls.py` (the client's calls as coroutines), `listing.py` (all pages of anything).
- What it says: `codes/` (error codes as data, joined by `faults.py`), `verdicts.py` (the table of faults applied).
- The verbs: `exports.py` and `imports.py`, with `tasks.py` and `requests.py` for both.
- Before an attempt: `preflight.py` and `import_preflight.py` (what a wish means here), by the rules in `premises.py`,
  `sources.py`, `images.py`, `buckets.py` and in the roles and policies that RAM shows.
- After it: `search.py` and `import_search.py` (is there a task of ours), `output.py` and `import_output.py` (what it left), with
  `import_state.py` for imports.
- Temporary keys: `identity.py` and `metadata.py`.
"""
