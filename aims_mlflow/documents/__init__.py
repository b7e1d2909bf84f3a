"""Documents written from sealed records alone: nothing in them is retyped."""
