#include "nn/ops/embed_columns.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

namespace onecycle {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// [columns, N], int64.
at::Tensor categories_in(const at::Tensor& rows, const at::Tensor& counts) {
  const std::int64_t columns = counts.size(0);
  const at::Tensor codes = rows.narrow(1, rows.size(1) - columns, columns).t();
  return at::where(codes < counts, codes, 0)  // false of what is no number
      .clamp_min_(0)
      .to(at::kLong, /*non_blocking=*/false, /*copy=*/false, at::MemoryFormat::Contiguous);
}

// Inputs: rows, counts, then the tables.
class EmbedColumns : public torch::autograd::Function<EmbedColumns> {
 public:
  static Variable forward(AutogradContext* context, at::TensorList inputs) {
    RECORD_USER_SCOPE("onecycle::embed_columns");
    const at::Tensor& rows = inputs[0];
    const at::TensorList tables = inputs.slice(kTables);
    const auto columns = static_cast<std::int64_t>(tables.size());
    const at::Tensor categories = categories_in(rows, inputs[1]);
    const at::Tensor numbers = rows.narrow(1, 0, rows.size(1) - columns);
    std::vector<at::Tensor> parts{numbers.to(tables[0].scalar_type())};
    variable_list saved{categories};
    for (std::int64_t i = 0; i < columns; ++i) {
      const at::Tensor& table = tables[static_cast<std::size_t>(i)];
      parts.push_back(table.index_select(0, categories[i]));
      saved.push_back(table);
    }
    context->save_for_backward(std::move(saved));
    return at::cat(parts, 1);
  }

  // Sums of many narrow numbers are made in fp32.
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& categories = saved[0];
    const auto columns = static_cast<std::int64_t>(saved.size()) - 1;
    const at::Tensor& gradient = gradients[0];
    const at::Tensor wide = gradient.to(at::promote_types(gradient.scalar_type(), at::kFloat));
    variable_list result(kTables + saved.size() - 1);
    std::int64_t end = wide.size(1);
    for (std::int64_t i = columns; i-- > 0;) {
      const auto at = static_cast<std::size_t>(i);
      const at::Tensor& table = saved[at + 1];
      end -= table.size(1);
      if (!context->needs_input_grad(kTables + at)) continue;
      result[kTables + at] =
          at::embedding_dense_backward(wide.narrow(1, end, table.size(1)), categories[i],
                                       table.size(0), /*padding_idx=*/-1,
                                       /*scale_grad_by_freq=*/false)
              .to(table.scalar_type());
    }
    if (context->needs_input_grad(0))
      result[0] = at::constant_pad_nd(gradient.narrow(1, 0, end), {0, columns});
    return result;
  }

 private:
  static constexpr std::size_t kTables = 2;  // the first of the inputs that is a table
};

}  // namespace

at::Tensor embed_columns(const at::Tensor& rows, const at::Tensor& counts,
                         const std::vector<at::Tensor>& tables) {
  variable_list inputs{rows, counts};
  inputs.insert(inputs.end(), tables.begin(), tables.end());
  return EmbedColumns::apply(at::TensorList(inputs));
}

}  // namespace onecycle
