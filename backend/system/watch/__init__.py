"""The watch list's door to the operating system: programs, sockets, SNMP; all of it asynchronous."""
