"""A CPO or an eMSP as somebody else would build it: extrawest-ocpi with a memory behind it.

It runs in the peer's environment (`tests.bench.peer`), as a server.

    stranger cpo NL-XCP      or      stranger emsp DE-XEM
"""

import os
import socket
import sys

from tests.bench.peer import serve

TOKEN_A = "token-a-of-the-stranger"


def main(role: str, party: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    country_code, _, party_id = party.partition("-")
    os.environ |= {
        "OCPI_HOST": f"127.0.0.1:{listener.getsockname()[1]}",
        "PROTOCOL": "http",
        "COUNTRY_CODE": country_code,
        "PARTY_ID": party_id,
    }
    from tests.interop.memory import application  # noqa: PLC0415 - the package reads its settings when it is imported

    serve(listener, application(role, TOKEN_A))


if __name__ == "__main__":
    main(*sys.argv[1:])
