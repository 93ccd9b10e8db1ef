"""Floor 2, the controller: map schemes over atom stores, redirection, commands and boot."""
