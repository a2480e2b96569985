"""A fault campaign: a busy stream, faults drawn from a seed, and checkers of what must hold.

workload  changes the source all the time
schedule  which fault comes when, drawn from the seed
nemesis   carries them out
fleet     keeps the daemons running, and judges how they end
threads   what works side by side
checkers  what must hold meanwhile, and in the end
campaign  all of it, once; `python -m tests.faults` runs it, and keeps what a failure needs
"""
