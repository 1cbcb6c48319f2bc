"""Benchmarks: each compares a subject with a baseline, side by side in one run.

`python -m bench` runs all of them, and `python -m bench confirm` runs one. A benchmark is a module
with a function `measure`, which yields the rows of the table; `__main__` lists the modules.
"""
