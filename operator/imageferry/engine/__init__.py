"""The moving parts, one per file: what is looked at, when, by whom, and how the one step of a decision is carried out."""
