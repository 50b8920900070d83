"""Which ports are free on this machine."""

import socket

HOST = "127.0.0.1"
TRIED = 50


def is_free(port: int) -> bool:
    """Return whether a server could listen on `port` of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(1)
        except OSError:
            return False
    return True


def next_free(port: int, *, but: int) -> int | None:
    """Return the first free port from `port` on, other than `but`; None when the next 50 are all taken."""
    return next((number for number in range(port, port + TRIED) if number != but and is_free(number)), None)
