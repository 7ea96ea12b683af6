"""What is stored about photos: files, detections, vectors, which photos are one shot, what may be looked at.

Start at `photos.PhotoRecords`.
"""
