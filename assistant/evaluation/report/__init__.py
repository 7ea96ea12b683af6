"""Measured numbers → tables, diagrams and pages. Measures nothing.

Start at `report`.
"""
