"""`imageferry check`: what an account, its exports and its imports lack, told before anything is submitted. Only reads and dry runs."""
