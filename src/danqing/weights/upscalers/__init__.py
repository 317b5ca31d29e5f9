"""Networks that enlarge pictures: from a file of the ESRGAN family, or of any other by spandrel, to a live upscaler."""
