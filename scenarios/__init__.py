"""Floor 3, what is done to the device and what must hold: workloads, oracle and explorer."""
