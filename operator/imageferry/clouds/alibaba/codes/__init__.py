"""The cloud's error codes as data, a room for each kind of call; `faults.py` joins them into the one table.

A row says what a code means, not what is done about it: that is the engine's, by the failure's class.
"""
