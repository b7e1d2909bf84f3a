"""Users' tables and models, as the checks need them."""
