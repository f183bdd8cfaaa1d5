"""The draft reply: short where it is public, complete where it is private."""
