"""Makes the library agree with folders. Knows files and the library; not what photos show.

Start at `full_scan.scan`; `folder_scan.scan_folders` does the same for a few folders.
"""
