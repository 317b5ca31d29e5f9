"""The floor that has state: a home folder with settings, models, input images and the gallery.

One Studio wires it; there is no global one.
"""
