"""Talking to an OpenAI-compatible server: prompts, one call inside a deadline, and what to do when it fails."""
