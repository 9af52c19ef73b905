"""Why a run failed, in words that say what to do."""

from __future__ import annotations

import errno

from core.errors import PopscapeError

_FULL = "The disk is full: free some space, then resume; the last checkpoint is whole."
_MEMORY = "Memory ran out: take a smaller training.batch_size or fewer variants, then start a new run."


def explain(error: BaseException) -> str:
    """One sentence for the user: the error's own where it is ours, a plain one for full disks and full memories.

    Anything else is a fault of the program; its name and message are given, the log has the traceback.
    """
    if isinstance(error, PopscapeError):
        return str(error)
    text = str(error)
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in text:
        return _FULL
    if getattr(error, "errno", None) == errno.EFBIG:
        return "A file grew beyond the size limit of this account (ulimit -f): raise it, then resume."
    lower = text.lower()
    if isinstance(error, MemoryError) or "out of memory" in lower or "allocate memory" in lower:
        return _MEMORY
    first = text.strip().splitlines()[0][:300] if text.strip() else "no message"
    return f"The program failed ({type(error).__name__}: {first}); the log has the details."
