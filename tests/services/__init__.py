"""Private servers and programs for tests: started on free ports, ended by their process ids.

A server that happens to run on the machine is never used and never touched.
"""
