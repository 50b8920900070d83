"""What every model is held against: a table of controls, the facts they look at, and how admins set them."""
