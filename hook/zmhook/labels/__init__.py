"""The labels of models and of cameras."""
