"""Recorded outcomes and answers, read and checked."""
