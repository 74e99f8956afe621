"""The command line: one file a noun, heavy rooms imported inside the commands."""
