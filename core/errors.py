"""The errors that a user may read: each message says what was found, what was expected, what to do."""


class PopscapeError(Exception):
    """Root of Popscape's own errors; `str(error)` is one plain sentence for the user."""


class InputError(PopscapeError):
    """The user's input was wrong (a file, a setting, a name): exit status 2, nothing stored is changed."""


class RunError(PopscapeError):
    """A run could not do its work (out of memory, NaN, disk full): exit status 1, the reason stays with the run."""
