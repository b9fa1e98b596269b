"""From a plan to events: attempts, checks, fallback, escalation, deadlines, breakers."""
