"""The bandit: which prompt to show whom, what came of it, and whether it helped."""
