"""A real mail server on loopback: takes mail by SMTP and keeps it, or refuses."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any


class MailServer:
    """`mails` collects what came, in order; with `refusing` every mail is turned away for now."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.refusing = False
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(server) -> type[socketserver.StreamRequestHandler]:  # noqa: N805 - `self` is the session inside
        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.say("220 mail.test")
                while line := self.rfile.readline():
                    word = line[:4].strip().upper()
                    if word == b"QUIT":
                        return self.say("221 bye")
                    self.answer(word)
                return None

            def answer(self, word: bytes) -> None:
                if word == b"MAIL" and server.refusing:
                    self.say("451 try again later")
                elif word == b"DATA":
                    self.say("354 go on")
                    server.mails.append(message_from_bytes(self.content(), policy=default))  # type: ignore[arg-type]
                    self.say("250 taken")
                else:
                    self.say("250 ok")

            def content(self) -> bytes:
                lines: list[bytes] = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                return b"".join(lines)

            def say(self, text: str) -> None:
                self.wfile.write(text.encode() + b"\r\n")

        return Session


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a mail server for the duration of a `with`."""
    server = MailServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def text_of(mail: Any) -> str:
    """Return the text of a mail."""
    return str(mail.get_content())
