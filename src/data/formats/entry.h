#pragma once

#include "onecycle/datasets.h"
#include "onecycle/error.h"

#include <memory>
#include <utility>

namespace onecycle {

// The entry of a format whose constructor takes the struct that `table` fills.
template <class Format, class Options>
FormatRegistry::Entry format_entry(const OptionTable<Options>& table) {
  return FormatRegistry::entry(
      table, [](const Options& options) { return std::make_unique<Format>(options); });
}

}  // namespace onecycle
