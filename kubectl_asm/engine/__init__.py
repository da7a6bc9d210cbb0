"""The decisions: admit, gather, decide. Pure; time and randomness are arguments."""
