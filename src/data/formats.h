#pragma once

#include "onecycle/datasets.h"
#include "onecycle/error.h"

#include <memory>
#include <utility>

namespace onecycle {

FormatRegistry::Entry idx_format();
FormatRegistry::Entry cifar_format();
FormatRegistry::Entry image_folder_format();
FormatRegistry::Entry cifar_python_format();
FormatRegistry::Entry packed_format();
FormatRegistry::Entry synthetic_format();

// The entry of a format whose constructor takes the struct that `table` fills.
template <class Format, class Options>
FormatRegistry::Entry format_entry(const OptionTable<Options>& table) {
  return {table.variant(), [table](const Value& options) -> std::unique_ptr<DatasetFormat> {
            Problems problems;
            auto read = table.read(options, "", problems);
            problems.throw_if_any();
            return std::make_unique<Format>(std::move(read));
          }};
}

}  // namespace onecycle
