"""What the bot does: each action reads the turn, calls one use case of the shop and chooses the words."""
