"""What the command line does with worlds: a command a file."""
