"""waitress, but a request whose end two servers could find in two places is refused.

Behind a proxy that finds the other end, the rest would count as another client's request (request smuggling).
So the length of a body must be given once, as a plain number, as browsers do. A refused request gets 400, and
the connection ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import create_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MOST_DIGITS = 18
"""Of a length. Python refuses to read thousands."""


class StrictParser(HTTPRequestParser):
    """Reads one request."""

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head of a request.

        Raises:
            ParsingError: a program could understand it in another way.
        """
        lengths = 0
        for line in header_plus.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if line[:1] in (b" ", b"\t"):
                raise ParsingError("A header must be on one line.")
            match name.strip().lower().replace(b"_", b"-"):
                case b"transfer-encoding":
                    raise ParsingError(
                        "Give the length of the body in Content-Length, without Transfer-Encoding."
                    )
                case b"content-length":
                    lengths += 1
                    if lengths > 1 or len(value.strip()) > MOST_DIGITS:
                        raise ParsingError("Content-Length is invalid")
        super().parse_header(header_plus)


def create_strict_server(app: WSGIApplication, **options: Any) -> Any:
    """Return waitress' server with these options, listening.

    Raises:
        OSError: it cannot listen on the address.
    """
    HTTPChannel.parser_class = StrictParser
    return create_server(app, **options)
