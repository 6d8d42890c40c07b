"""Commands that keep, delete and hand on what a file holds."""
