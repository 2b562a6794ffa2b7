#pragma once

#include "onecycle/option_table.h"

#include <string>

namespace onecycle {

struct NoOptions {};

// The variants, and before them `none`, with its meaning.
inline Variants with_none(Variants variants, const std::string& meaning) {
  variants.insert(variants.begin(), OptionTable<NoOptions>("none", meaning).variant());
  return variants;
}

}  // namespace onecycle
