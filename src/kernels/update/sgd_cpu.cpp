#include "kernels/update/sgd.h"
#include "kernels/update/sgd_element.h"
#include "kernels/update/update_cpu.h"

namespace onecycle::kernels {

void sgd_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
             const UpdateRule& rule, const StepNumbers* numbers, const LossScale* loss_scale) {
  with_sgd_update(rule, [&](const auto& update) {
    update_on_cpu(tensor, begin, end, update, numbers, loss_scale);
  });
}

}  // namespace onecycle::kernels
