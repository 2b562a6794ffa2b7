#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace onecycle {

// A table's rows [N, numbers + columns], whose last columns hold categories 0, 1, ..., n - 1, to
// [N, numbers + widths]: the numbers in the dtype of the tables, and of each such column the rows
// of its table [n, width] in its place. What is no category (negative, n or more, no number) counts
// as 0. counts: the n of the columns [columns, 1], on the device of the rows. At least one column.
// One node of the graph stands for all of it; nothing waits for the device.
at::Tensor embed_columns(const at::Tensor& rows, const at::Tensor& counts,
                         const std::vector<at::Tensor>& tables);

}  // namespace onecycle
