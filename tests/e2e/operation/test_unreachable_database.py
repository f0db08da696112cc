"""A PostgreSQL on another host that can be reached no more."""

import subprocess
import sys
import time
from subprocess import PIPE

import pytest
from sqlalchemy import make_url

from quitus_collector.adapters.sql.store import SQLStore
from tests.network import THERE, two_hosts
from tests.postgresql import Server

pytestmark = [pytest.mark.e2e, pytest.mark.needs("namespaces")]
# Passes on what comes by the network to the server's own socket.
PASSING_ON = """
import socket, sys, threading
def carry(one, other):
    while data := one.recv(65536):
        other.sendall(data)
listening = socket.create_server(("0.0.0.0", 5432))
print("listening", flush=True)
while True:
    one, _ = listening.accept()
    other = socket.socket(socket.AF_UNIX)
    other.connect(sys.argv[1])
    for pair in ((one, other), (other, one)):
        threading.Thread(target=carry, args=pair, daemon=True).start()
"""
KEEPING = """
import sys
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.errors import StoreAway
store = SQLStore(sys.argv[1])
for _ in range(2):
    try:
        with store.writing() as work:
            work.devices.known(["d-1"])
        print("kept", flush=True)
    except StoreAway as error:
        print(error, flush=True)
    sys.stdin.readline()
"""


def test_a_database_that_the_network_leads_to_no_more_is_told_and_not_waited_for(
    postgresql: Server,
) -> None:
    url = make_url(postgresql.url)
    store = SQLStore(postgresql.url)
    store.upgrade()
    store.close()
    away = url.set(host=THERE, port=5432, query={}).render_as_string(hide_password=False)
    own_socket = f"{url.query['host']}/.s.PGSQL.5432"
    with (
        two_hosts() as hosts,
        subprocess.Popen(
            [*hosts.there, sys.executable, "-c", PASSING_ON, own_socket], stdout=PIPE, text=True
        ) as passing_on,
        subprocess.Popen(
            [*hosts.here, sys.executable, "-c", KEEPING, away], stdin=PIPE, stdout=PIPE, text=True
        ) as keeping,
    ):
        try:
            assert passing_on.stdout
            assert keeping.stdout
            assert keeping.stdin
            assert passing_on.stdout.readline() == "listening\n"
            assert keeping.stdout.readline() == "kept\n"
            hosts.link.up = False
            began = time.monotonic()
            keeping.stdin.write("\n")
            keeping.stdin.flush()
            said = keeping.stdout.readline()
            waited_s = time.monotonic() - began
        finally:
            keeping.kill()
            passing_on.kill()

    assert "cannot serve" in said
    assert "see to the network between" in said
    assert waited_s < 40
