"""Texts for the wording table: topics and frames in seven languages, put together."""
