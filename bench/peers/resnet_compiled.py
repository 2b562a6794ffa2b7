#!/usr/bin/env python3
"""resnet_autocast.py under torch.compile."""
import resnet

resnet.train(__doc__, channels_last=True, autocast=True, fused=True, compiled=True)
