"""Mutation testing: which changes of the code the tests detect."""
