"""What the registry asks for: the policy, and the pure function that decides by it."""
