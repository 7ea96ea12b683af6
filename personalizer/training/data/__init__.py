"""What one training looks at: photos, crops and wording. Knows no optimizer.

Start at `pictures`, then `examples`.
"""
