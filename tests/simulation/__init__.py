"""Random schedules of files, faults, deaths and repeats against the fake, and what must hold.

`schedule` makes a schedule out of a seed, `world` carries it out in virtual time, `caller` is
the program that uses attach_confirm and does what `advise` says, `invariants` judges the end.
One seed is one schedule with one course: `python -m tests.simulation --seed N` shows it again.
"""
