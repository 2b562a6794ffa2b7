#!/usr/bin/env python3
"""As an expert writes it: channels_last, the fused update, and autocast where bf16 is in hardware."""
import resnet

resnet.train(__doc__, channels_last=True, autocast=True, fused=True)
