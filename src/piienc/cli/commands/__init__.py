"""The commands: a file for each, or for each group.

A command parses, builds options and makes one call. What is heavy to import is imported in the
command that needs it.
"""
