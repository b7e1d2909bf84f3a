"""What several tests share: servers, registries with a history, signed sessions, a second verifier, and people who tamper."""
