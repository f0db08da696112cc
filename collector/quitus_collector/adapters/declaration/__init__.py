"""The declaration on paper and as files: its pages, annexes, attachments, evidence."""
