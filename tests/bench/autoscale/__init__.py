"""What policies of autoscaling would do, in a simulated service, beside each other."""
