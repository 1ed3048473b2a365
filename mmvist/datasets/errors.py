"""The one exception of bad data."""


class DataError(ValueError):
    """Data on the disk is not what it should be.

    The message is one line that names the file and what to do about it, so that
    a command line tool can print it as it is.
    """
