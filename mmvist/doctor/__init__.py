"""What fits and what does not: the environment, and data on the disk.

:mod:`mmvist.doctor.environment` needs the standard library alone, so that it can
look where ``import mmvist`` fails.
"""
