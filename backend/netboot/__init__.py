"""DHCP, TFTP, boot loaders and boot media."""
