"""Which part of a long text is looked at."""


def excerpt(text: str, max_characters: int) -> str:
    """Return the text, or the beginning and the end of a longer one, half each: instructions stand at either end."""
    if len(text) <= max_characters:
        return text
    half = max_characters // 2
    return f"{text[:half]} {text[-half:]}"
