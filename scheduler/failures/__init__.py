"""Jobs that failed: read in pages, chosen, grouped, requeued and deleted, however many there are.

Redis never works on more than one page at a time, and nothing here needs the code of a job or loads its
arguments.
"""
