"""Trains adapters. Knows examples and a base, and neither arms nor questions."""
