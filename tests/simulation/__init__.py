"""A deterministic simulation: random schedules of uploads, faults and crashes against the fake.

`schedule` creates a schedule from a seed. `simulation` runs it in virtual time, `client_process`
is a program that uses attach_confirm and follows `advise`, and `invariants` checks the result. A
seed always gives the same run: `python -m tests.simulation --seed N` repeats it. One schedule in 20
is run over TLS, against the served fake. `kills` kills real processes that send files to the served
fake.
"""
