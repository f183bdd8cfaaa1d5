"""What the customer feels and wants."""
