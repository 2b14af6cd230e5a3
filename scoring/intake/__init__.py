"""How answers arrive: submissions one by one or in bulk, and files of them."""
