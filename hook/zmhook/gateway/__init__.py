"""Models on another machine: asked for what is in the frames, while everything else stays here."""
