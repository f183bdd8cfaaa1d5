"""Benchmarks: speed, memory and agreement, measured beside what users would build instead. Never tests."""
