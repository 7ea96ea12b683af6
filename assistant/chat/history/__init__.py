"""What is kept of chats: recorded while they go on, shown again and gone on with later. Knows events; no screen.

Start at `recorder.Recorder`; `resume` is the way back, `chat_commands` what can be done with chats from within one.
"""
