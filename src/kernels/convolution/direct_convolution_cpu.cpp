#include "kernels/convolution/direct_convolution.h"
#include "kernels/processor.h"

namespace onecycle::kernels {

const DirectConvolutionCpu* direct_convolution() {
  static const bool suits = has_bf16_products() && !has_tiles();
  return suits ? bf16_direct_convolution() : nullptr;
}

}  // namespace onecycle::kernels
