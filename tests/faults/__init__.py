"""A fault campaign: a busy stream, faults drawn from a seed, and checkers of what must hold.

topology   what a campaign runs on, and which faults that can suffer
stage      the servers and links of a topology; disks that can be full, clocks that can be set
workload   changes the source all the time; kinds has values of every type
schedule   which fault comes when, drawn from the seed
nemesis    carries them out; operator does what no daemon heals, and takes the documented remedy
fleet      keeps the daemons running, and judges how they end
watchers   look at the target all the time
checkers   what must hold meanwhile, and in the end; committed knows what was to be applied
campaign   all of it, once; `python -m tests.faults` runs it, and keeps what a failure needs
report     adds what was done to the record, and writes the page
"""
