"""What snmpd on a head must watch so that the watch list can ask it: decided here, without I/O."""
