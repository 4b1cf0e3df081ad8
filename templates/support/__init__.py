"""What the generated programs share. Copied unchanged beside them; nothing here imports nashc."""
