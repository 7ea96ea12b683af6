"""Is a concept in this photo? Vectors → a calibrated probability. Runs no model.

Start at `recognizer.Recognizer`.
"""
