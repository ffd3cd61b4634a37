"""What a decision leaves behind: the line, objdetect.jpg, objects.json, kept pictures, notes."""
