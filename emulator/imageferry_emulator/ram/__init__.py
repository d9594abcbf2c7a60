"""The access service (RAM, version 2015-05-01): roles, whom they trust, and the policies attached to them."""
