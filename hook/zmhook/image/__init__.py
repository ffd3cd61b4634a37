"""Picture files and pixels: recognised, decoded, cropped, resized."""
