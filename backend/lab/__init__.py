"""The virtual cluster: heads and nodes in namespaces, blank machines in QEMU."""
