"""Large models that say more about a picture: Gemini, or one that speaks OpenAI's API."""
