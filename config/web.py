"""The web server's worker: gunicorn's threads, which stay with a connection for a moment after an answer."""

import select
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

STAYS = 10  # milliseconds


class StayingWorker(ThreadWorker):
    """Answers the next request of a connection in the thread that answered the last one, if it comes at once.

    gunicorn gives a connection back to its main thread after every answer, which gives it out again with the next
    request. A client that asks one thing after the other (a training loop, a browser that loads a page) would pay for
    both each time. A thread stays only while no other request waits for one.
    """

    def handle(self, conn: Any) -> Any:
        """Handle a request on a connection, and those that follow at once. Returns what gunicorn's own returns."""
        while True:
            kept = super().handle(conn)
            if kept is not True or not self.alive or self.tpool._work_queue.qsize() or not _speaks(conn):
                return kept


def _speaks(conn: Any) -> bool:
    """Return whether a client sends the next request while somebody stays with it."""
    poll = select.poll()
    poll.register(conn.sock, select.POLLIN)
    return bool(poll.poll(STAYS))
