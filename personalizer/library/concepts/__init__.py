"""What is stored about people, pets and things: names, members, facts, links, trainings.

Start at `concepts.ConceptRecords`.
"""
