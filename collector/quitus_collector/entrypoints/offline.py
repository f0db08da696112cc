"""Reports that come as files: the checks of the wire, without a wire."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from google.protobuf.message import DecodeError

from quitus.v1 import inventory_pb2, offline_pb2
from quitus_collector.domain.certificate import ClientCertificate
from quitus_collector.domain.install import Inventory
from quitus_collector.domain.report import Report
from quitus_collector.entrypoints.grpc import translate
from quitus_collector.errors import CollectorError, InvalidRequest

PREFIX = b"quitus offline report 1\0"
MAX_CHAIN = 4
# Who signed: chain (DER, leaf first), signature, what was signed, and when it was.
Signer = Callable[[Sequence[bytes], bytes, bytes, datetime], ClientCertificate]


@dataclass(frozen=True, slots=True)
class OfflineReport:
    """A report with the certificate of the device that signed it."""

    signer: ClientCertificate
    report: Report


def read(file: Path, signer: Signer) -> OfflineReport:
    """Reads and verifies one file; raises InvalidRequest, or CollectorError naming the file."""
    try:
        if file.stat().st_size > translate.MAX_MESSAGE_BYTES:
            raise InvalidRequest(f"larger than {translate.MAX_MESSAGE_BYTES >> 20} MiB")
        signed = offline_pb2.SignedReport.FromString(file.read_bytes())
        message = inventory_pb2.ReportRequest.FromString(signed.report)
        if not signed.signature or len(signed.certificate_chain) > MAX_CHAIN:
            raise InvalidRequest("is not a signed report")
        report = translate.report(message)
        if not isinstance(report.content, Inventory):
            raise InvalidRequest("holds no whole inventory")
        signed_by = signer(
            signed.certificate_chain, signed.signature, PREFIX + signed.report, report.taken_at
        )
    except OSError as error:
        raise CollectorError(f"{file}: {error.strerror}") from error
    except DecodeError as error:
        raise InvalidRequest("is not a signed report") from error
    return OfflineReport(signed_by, report)
