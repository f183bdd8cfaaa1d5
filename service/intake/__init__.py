"""Durable intake: what was accepted is triaged once, whatever dies."""
