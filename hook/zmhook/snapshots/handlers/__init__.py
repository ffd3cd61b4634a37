"""What is done with each stored snapshot, by classes that anybody can add."""
