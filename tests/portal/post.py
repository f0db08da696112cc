"""A mail server of the tests' own: SMTP over TLS, which can be told how to answer."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Post(socketserver.ThreadingTCPServer):
    """`said` has what it answers to a verb instead of yes; "drop" ends the connection there.

    "." stands for the end of the message.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.context = context
        self.said: dict[str, str] = {}
        self.messages: list[bytes] = []

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that goes away


class Talk(socketserver.StreamRequestHandler):
    server: Post

    def setup(self) -> None:
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        self._say("220 post.example")
        for line in self.rfile:
            verb = line.split()[0].decode().upper() if line.split() else ""
            if verb == "QUIT" or not self._answer(verb):
                return
            if verb == "DATA" and "DATA" not in self.server.said:
                message = bytearray()
                for part in self.rfile:
                    if part == b".\r\n":
                        break
                    message += part
                self.server.messages.append(bytes(message))
                if not self._answer("."):
                    return

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def _answer(self, verb: str) -> bool:
        said = self.server.said.get(verb)
        if said == "drop":
            return False
        usual = {"EHLO": "250-post.example\r\n250 AUTH PLAIN", "DATA": "354 go on"}
        self._say(said or usual.get(verb, "235 welcome" if verb == "AUTH" else "250 taken as 42"))
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def posting(context: ssl.SSLContext) -> Iterator[Post]:
    with Post(context) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
