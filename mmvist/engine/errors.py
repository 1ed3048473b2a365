"""Errors that a user can mend: the tools print one line and exit with 2 or 3."""

INCOMPLETE = 3
"""Exit status of a tool that has written all but what could not be done."""


class UserError(Exception):
    """Something the user gave does not fit; the message is for them."""


class IncompleteError(UserError):
    """All is done that could be done, and written; the message says what is missing."""


class CheckpointError(UserError):
    """A checkpoint is missing, unreadable, unsafe or of another model."""
