"""The clouds: one folder each, the same five rooms in each, no import between them."""
