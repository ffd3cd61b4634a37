"""The models. `base` is the contract; one module or package per model."""
