"""What a draft may stand on: passages of the brand's knowledge, this customer's orders and history."""
