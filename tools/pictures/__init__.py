"""Pictures of what was measured: each is a function that takes typed data and returns a Picture, told by its title.

style.py has the one look, gallery.py knows which pictures a document can give.
"""
