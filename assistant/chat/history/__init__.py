"""Chat history: records a chat while it runs, shows it again and resumes it. Knows events; no screen.

Start at `recorder.Recorder`; `resume` is the way back, `chat_commands` what can be done with chats from within one.
"""
