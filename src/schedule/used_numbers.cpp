#include "schedule/used_numbers.h"

namespace onecycle {

UsedNumbers used_numbers(const Schedule& schedule, std::int64_t total) {
  const auto* known = dynamic_cast<const WithUsedNumbers*>(&schedule);
  return known != nullptr ? known->used_numbers(total) : UsedNumbers{};
}

}  // namespace onecycle
