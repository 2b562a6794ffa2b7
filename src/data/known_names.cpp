#include "data/known_names.h"

#include "onecycle/registry.h"

#include "core/text/format.h"

#include <algorithm>
#include <span>

namespace onecycle {

std::string known_names(const std::string& name, const std::vector<std::string>& known,
                        const std::string& holder) {
  constexpr std::size_t kShown = 10;
  const std::string nearest = nearest_name(name, known);
  return format("{}{} has {}{}", nearest.empty() ? "" : format("did you mean '{}'? ", nearest),
                holder, joined(std::span(known).first(std::min(kShown, known.size()))),
                known.size() > kShown ? ", …" : "");
}

}  // namespace onecycle
