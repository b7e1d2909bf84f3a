"""Tables as the checks read them, whatever holds their rows."""
