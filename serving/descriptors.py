"""How many files and connections this process may have open. Standard library only."""

import contextlib

# Many more than a server has connections; some systems allow no more.
_ENOUGH = 10_240


def raise_limit() -> None:
    """Raises the limit as far as the system lets everybody, up to some 10,000.

    Many systems begin with 1024, which idle connections to one port would use up, so that no other port could be
    reached and no version read. Where there are no such limits, or none may be changed, nothing happens.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
