"""What earlier runs found out, kept by the content that it was found out from. Losing any of it costs time, nothing else.

Nothing is imported here: who only asks whether anything changed should not wait for the rest.
"""
