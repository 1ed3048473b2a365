"""What must hold whatever is thrown at it, tried at random."""
