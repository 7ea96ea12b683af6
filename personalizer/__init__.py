"""What Familiar knows about photos, concepts and training. Knows no language-model runtime, no agent and no screen.

Its own modules are shared by all rooms: errors, schemas, names, the home. The rooms, in import order:
photos, library, jobs, faces, analysis, scan, watch, shots, index, clustering, concepts, recognition, backbones, prefix,
training, backup, benchmarks.
"""
