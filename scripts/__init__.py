"""Tools for those who work on Netwright."""
