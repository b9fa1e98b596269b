"""OpenAI's API: chat completions, models, responses and embeddings."""
