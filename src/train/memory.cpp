#include "train/memory.h"

#include <string_view>

namespace onecycle {

bool is_out_of_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  const std::string_view text = error.what_without_backtrace();
  return text.find("DefaultCPUAllocator") != std::string_view::npos ||
         text.find("out of memory") != std::string_view::npos;
}

}  // namespace onecycle
