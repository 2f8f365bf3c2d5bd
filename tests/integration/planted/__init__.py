"""Commands with one bug each, which `check_command` has to find."""
