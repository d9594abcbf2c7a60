"""Alibaba Cloud: ECS custom images and OSS buckets.

Beside the five rooms of every cloud there are three that `provider.py` would be too small for: `preflight.py` (what a wish
means here), `search.py` (is there a task of ours) and `output.py` (what lies in the bucket).
"""
