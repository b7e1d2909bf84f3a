"""What is wrong with what documents state: control states and findings ask these functions, and no others."""
