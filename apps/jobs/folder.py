"""The embedded broker: kombu's messages in a folder, without its fragility.

A file that is not a whole message (its writer was killed, or somebody put it there) would end kombu's worker. Here it
is set aside: the job's row is safe, and the sweep rings again.
"""

import logging
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem

logger = logging.getLogger(__name__)
PARTS = ("body", "headers", "properties")


class Channel(filesystem.Channel):
    """Reads one message after the other, and passes over what is none."""

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        try:
            message = super()._get(queue)
        except (ValueError, ChannelError) as error:
            raise _set_aside(str(error)) from error
        if not isinstance(message, dict) or not all(part in message for part in PARTS):
            raise _set_aside("it is not a message")
        return message


class Transport(filesystem.Transport):
    """kombu's filesystem transport with the channel above."""

    Channel = Channel


def _set_aside(why: str) -> Empty:
    logger.warning("a file in the queue was set aside: %s", why)
    return Empty()
