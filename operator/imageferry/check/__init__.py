"""`imageferry check`: what an account and its exports lack, told before anything is exported. Only reads and dry runs."""
