"""What dishonest texts earn: made from any marked answers, marked as the product marks them."""
