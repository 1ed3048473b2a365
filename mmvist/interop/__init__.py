"""Bridges to packages that mmvist works with but does not need."""
