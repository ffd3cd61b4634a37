"""Files and SQLite databases: opened safely, written whole, set aside when damaged."""
