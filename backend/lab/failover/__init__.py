"""The failover bench: two heads, three witnesses, clients and a judge in bare network namespaces."""
