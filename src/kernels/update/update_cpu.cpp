#include "kernels/update/update_cpu.h"

#include "kernels/update/adamw.h"
#include "kernels/update/adamw_element.h"
#include "kernels/update/sgd.h"
#include "kernels/update/sgd_element.h"

namespace onecycle::kernels {

void adamw_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
               const AdamwRule& rule, const StepNumbers* numbers, const LossScale* loss_scale) {
  update_on_cpu(tensor, begin, end, AdamwUpdate{rule}, numbers, loss_scale);
}

void sgd_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
             const UpdateRule& rule, const StepNumbers* numbers, const LossScale* loss_scale) {
  with_sgd_update(rule, [&](const auto& update) {
    update_on_cpu(tensor, begin, end, update, numbers, loss_scale);
  });
}

}  // namespace onecycle::kernels
