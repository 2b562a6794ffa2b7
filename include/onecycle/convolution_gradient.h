#pragma once

namespace onecycle {

// From now on, for the whole process, LibTorch's convolutions on the CPU with a 1x1 kernel, a
// stride and fewer than 16 input channels (transposed ones: output channels) have the right
// gradient of their weights. Otherwise oneDNN, which LibTorch 2.11 calls, writes past its workspace
// where images are channels_last and the processor has AVX2 or AVX-512: into the heap, and with
// several threads into the workspace of another, so that the gradient is wrong. Every other
// convolution is computed as before. A second call does nothing.
//
// builtin_models() and Trainer call it; a program that trains modules of its own in a loop of its
// own calls it first.
void repair_convolution_gradients();

}  // namespace onecycle
