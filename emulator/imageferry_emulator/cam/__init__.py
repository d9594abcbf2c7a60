"""CAM 2019-01-16 of Tencent Cloud: roles, policies and identity providers of its accounts, and what a key may do."""
