"""A thin client of the API server: requests, answers and their failures. Knows resources, but nothing of what they mean."""
