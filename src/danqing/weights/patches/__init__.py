"""What changes a live model and can be taken off again: LoRA and its kin, hypernetworks."""
