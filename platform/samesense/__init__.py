"""Samesense: find the same thing in any visual domain."""
