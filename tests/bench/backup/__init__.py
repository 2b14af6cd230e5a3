"""What a backup and a restore cost beside the bare tools."""
