"""Handshakes that failed: gRPC tells them to nobody but its log, on standard error."""

import os
import re
import sys
import threading
from collections.abc import Callable

# I1124 19:26:19.695483   25673 ssl_transport_security.cc:2563] Handshake failed with error
# SSL_ERROR_SSL: error:100000c0:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE: …
_FAILED = re.compile(rb"Handshake failed with.*OPENSSL_internal:([A-Z0-9_]+)")
_OF_GRPC = re.compile(rb"[IWE]\d{4} [\d:.]+ +\d+ \S+\.cc:\d+\]")
# What the callers read of reasons that are expected; others are told as OpenSSL names them.
REASONS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no client certificate",
    "CERTIFICATE_VERIFY_FAILED": "a certificate that is expired or not issued here for devices",
    "NO_SHARED_CIPHER": "TLS older than 1.3",
    "UNSUPPORTED_PROTOCOL": "TLS older than 1.3",
    "HTTP_REQUEST": "not TLS",
    "WRONG_VERSION_NUMBER": "not TLS",
}


def watch(failed: Callable[[str], None]) -> None:
    """Calls `failed` with the reason of each failed handshake, on a thread of its own.

    gRPC's lines are dropped; whatever else the process writes goes where it went before. The
    lines do not say who was at the other end.
    """
    kept = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    # Python's own lines need not take the way around.
    sys.stderr = os.fdopen(os.dup(kept), "w", buffering=1, errors="backslashreplace")

    def read() -> None:
        with os.fdopen(reading, "rb") as lines, os.fdopen(kept, "wb", buffering=0) as out:
            for line in lines:
                if found := _FAILED.search(line):
                    reason = found[1].decode()
                    failed(f"handshake: {REASONS.get(reason, reason)}")
                elif not _OF_GRPC.match(line):
                    out.write(line)

    threading.Thread(target=read, name="handshakes", daemon=True).start()
