"""How cameras write their snapshots: one module for each family of messages."""
