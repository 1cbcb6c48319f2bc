"""Benchmarks: each figure is a ratio of two things measured side by side in one run.

`python -m bench` runs them all, `python -m bench confirm` the one named. A benchmark is a module
with a function that returns rows, named in `__main__`.
"""
