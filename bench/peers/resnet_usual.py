#!/usr/bin/env python3
"""As usually written: contiguous images, fp32, the default update."""
import resnet

resnet.train(__doc__, channels_last=False, autocast=False, fused=False)
