"""The people page: one HTML file without scripts. Knows the library's overview of people; no command line.

Start at `people_page.write_people_page`.
"""
