# SPDX-License-Identifier: Apache-2.0
"""The health check of the image: exits with 0 if the server on this machine answers, with TLS or without.

Its certificate is for the names that others use, so it is not checked here.
"""

from __future__ import annotations

import http.client
import ssl
import sys

TIMEOUT_S = 4


def is_alive(port: int) -> bool:
    """Return whether `/livez` answers 200."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    for connection in (
        http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S),
        http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT_S, context=trusting),
    ):
        try:
            connection.request("GET", "/livez")
            if connection.getresponse().status == 200:
                return True
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()
    return False


if __name__ == "__main__":
    sys.exit(not is_alive(int(sys.argv[1]) if sys.argv[1:] else 4318))
