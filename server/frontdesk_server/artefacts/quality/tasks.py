"""What a query can ask for, in the order in which artefacts keep their task outputs."""

TASKS: tuple[str, ...] = (
    "chat",
    "summarise",
    "extract",
    "translate",
    "code",
    "math",
    "reasoning",
    "creative",
    "knowledge",
    "other",
)
