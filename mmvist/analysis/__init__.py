"""Trained models looked into: what their latent does, and what it is worth."""
