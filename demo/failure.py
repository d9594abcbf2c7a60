"""The one way in which the demo fails."""


class DemoError(Exception):
    """Something is not as the demo promises; the message is a sentence for its reader."""
