#!/usr/bin/env python3
"""As an expert writes it for a processor with bf16: channels_last, autocast, the fused update."""
import resnet

resnet.train(__doc__, channels_last=True, autocast=True, fused=True)
