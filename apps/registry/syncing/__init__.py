"""Keeping the mirror in step with MLflow: what is read, when, by whom, and how it is written.

requests.py asks for work and cancels it; runs.py keeps the record of a pass; listing.py speaks to MLflow; writing.py
is the only way into the mirror; changes.py, complete.py and touched.py are the three kinds of pass; schedule.py says
which is due.
"""
