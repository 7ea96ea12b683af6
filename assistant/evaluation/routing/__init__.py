"""How often a request goes to the right tool: labelled requests in, shares and a table of mistakes out.

Knows the router and no tool. Start at `measure.evaluate_router`.
"""
