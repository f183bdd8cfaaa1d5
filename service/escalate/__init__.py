"""Whether a human must take over, why, where to and until when."""
