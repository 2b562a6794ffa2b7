#include "onecycle/error.h"

#include "kernels/batch/gather.h"
#include "kernels/device_memory.h"
#include "kernels/metrics/metrics.h"
#include "kernels/norm/batch_norm_cuda.h"
#include "kernels/update/adamw.h"
#include "kernels/update/averages.h"
#include "kernels/update/loss_scale.h"
#include "kernels/update/sgd.h"

namespace onecycle::kernels {

namespace {

[[noreturn]] void refuse_without_cuda() {
  throw Error("this build has no CUDA kernels; build with ONECYCLE_CUDA=ON, or use the CPU");
}

}  // namespace

std::int64_t free_device_memory(int) { refuse_without_cuda(); }

const void* lend_host_memory(const void*, std::size_t, int) { refuse_without_cuda(); }

void end_lending(const void*, int) noexcept {}

void write_cuda(void*, const void*, std::size_t, void*) { refuse_without_cuda(); }

void adamw_cuda(const UpdateTensor*, int, const AdamwRule&, const StepNumbers*, void*,
                const LossScale*) {
  refuse_without_cuda();
}

void average_cuda(const UpdateTensor*, int, const AverageNumbers*, void*) { refuse_without_cuda(); }

bool has_cuda_kernels() { return false; }

void gather_cuda(const Gather&, void*) { refuse_without_cuda(); }

void find_bad_cuda(const UpdateTensor*, int, LossScale*, void*) { refuse_without_cuda(); }
void advance_cuda(LossScale*, void*) { refuse_without_cuda(); }

void add_metrics_cuda(MetricSums*, MeanLoss, const float*, const std::int64_t*, std::int64_t,
                      std::int64_t, void*) {
  refuse_without_cuda();
}

void norm_moments_cuda(const NormRows&, std::int64_t, float*, const NormStatistics&, void*) {
  refuse_without_cuda();
}
void normalise_cuda(const NormRows&, std::int64_t, const NormParameters&, const void*, void*,
                    void*) {
  refuse_without_cuda();
}
void norm_gradient_sums_cuda(const NormRows&, std::int64_t, const NormParameters&,
                             const NormGradients&, void*, float*, const NormSums&, void*) {
  refuse_without_cuda();
}
void norm_input_gradient_cuda(const NormRows&, std::int64_t, const NormParameters&, const float*,
                              const float*, const void*, bool, void*, void*) {
  refuse_without_cuda();
}

void sgd_cuda(const UpdateTensor*, int, const UpdateRule&, const StepNumbers*, void*,
              const LossScale*) {
  refuse_without_cuda();
}

}  // namespace onecycle::kernels
