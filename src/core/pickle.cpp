#include "core/pickle.h"

#include "core/format.h"
#include "core/pickle_reader.h"

#include <algorithm>

namespace onecycle {

const PickleNode* PickleNode::find(std::string_view key) const {
  if (kind != Kind::dict) return nullptr;
  for (std::size_t i = items.size(); i >= 2; i -= 2)
    if (items[i - 2]->is_text(key)) return items[i - 1];
  return nullptr;
}

Pickle::Pickle(std::string_view bytes, const std::set<std::string, std::less<>>& globals,
               const PickleLimits& limits) {
  PickleReader reader(*this, bytes, globals, limits);
  root_ = reader.read();
  size_ = reader.position();
}

std::string printable(std::string_view text, std::size_t most) {
  std::string result(text.substr(0, most));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.size() > most ? result + "..." : result;
}

}  // namespace onecycle
