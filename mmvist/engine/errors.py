"""Errors that a user can mend: the tools print one line and exit with 2."""


class UserError(Exception):
    """Something the user gave does not fit; the message is for them."""


class CheckpointError(UserError):
    """A checkpoint is missing, unreadable, unsafe or of another model."""
