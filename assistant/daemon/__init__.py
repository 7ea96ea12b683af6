"""The worker as seen from outside: started, asked, stopped, installed as a service. Does no work itself.

Start at `client.JobClient`.
"""
