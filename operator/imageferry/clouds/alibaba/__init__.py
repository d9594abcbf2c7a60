"""Alibaba Cloud: ECS custom images and OSS buckets.

The five rooms of every cloud, and six for what would not fit into them: `calls.py` (the client's calls as coroutines),
`verdicts.py` (the table of faults applied), `listing.py` (all pages of anything), `preflight.py` (what a wish means here),
`search.py` (is there a task of ours) and `output.py` (what lies in the bucket).
"""
