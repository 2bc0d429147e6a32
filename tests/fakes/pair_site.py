"""The site file of a pair with one compute node."""

PAIR_SITE = """\
version = 1
[cluster]
name = "beowulf"
domain = "cluster.example"
[networks.private]
interface = "eth1"
network = "10.0.0.0/24"
virtual_ip = "10.0.0.1"
[primary]
name = "head1"
private_address = "10.0.0.2"
[[image]]
name = "head"
client = "head1"
[[standby]]
name = "head2"
image = "head"
address = "10.0.0.3"
[[node]]
name = "node1"
address = "10.0.0.101"
"""
