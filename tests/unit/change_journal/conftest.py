"""A machine that a test can see, and the journal of its changes."""

import pytest

from backend.change.journal import Journal
from backend.paths import Paths
from tests.unit.change_journal.head import DHCPD, Packages, Systemd


@pytest.fixture
def paths(tmp_path) -> Paths:
    found = Paths(tmp_path)
    found.at("/etc/dhcp").mkdir(parents=True)
    found.at("/etc/systemd/system").mkdir(parents=True)
    found.at(DHCPD).write_text("option domain-name x;\n")
    found.at(DHCPD).chmod(0o640)
    return found


@pytest.fixture
def systemd() -> Systemd:
    return Systemd(enabled={"dhcpd"}, active={"dhcpd"})


@pytest.fixture
def journal(paths, systemd) -> Journal:
    return Journal(paths, systemd, Packages({"tftpd-hpa"}))
