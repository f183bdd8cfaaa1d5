"""What is remembered: FAQs, orders, customers, triages, feedback and API keys. SQL is the truth."""
